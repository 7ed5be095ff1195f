"""What makes two events one issue, told before anything of them is read: what failed, and where it was raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from asyncsentry.events.exceptions import arguments_of, grouped_in, traceback_of
from asyncsentry.events.foreign import exact, show_name, type_name

TEXT_LIMIT: Final = 200
"""Characters of a message that tell it from others."""

Issue = tuple[object, ...]


def issue_of_error(error: BaseException) -> Issue:
    """The name of the exception's type, the instruction that raised it, and which calls led there, however often each.

    Of a group also what is the first in it, for all groups of a kind are raised by the same line of a library. Of what
    was never raised its text.
    """
    first = grouped_in(error)[:1]
    return (*_origin_of(error), *_origin_of(first[0])) if first else _origin_of(error)


def _origin_of(error: BaseException) -> Issue:
    kind = type(error)
    name = type_name(kind)  # and not the type: a metaclass may say what it likes of that, and it would live on here
    traceback = traceback_of(error)
    if traceback is None:
        return name, _text_of(error)
    way: set[int] = set()
    while (inner := traceback.tb_next) is not None:
        way.add(id(traceback.tb_frame.f_code) + traceback.tb_lasti)  # as good as one number for each place in the code
        traceback = inner
    code = traceback.tb_frame.f_code
    return name, code.co_filename, code.co_firstlineno, traceback.tb_lasti, hash(frozenset(way))


def _text_of(error: BaseException) -> str | None:
    arguments = arguments_of(error)
    text: Any = arguments[0] if arguments else None  # Any: known by its type, not by a test that mypy follows
    return exact(text, TEXT_LIMIT) if issubclass(type(text), str) else None


def issue_of_event(event: Mapping[str, Any]) -> Issue | None:
    """The message before its parameters are filled in, and the logger; None for what has no message.

    Of a message that is no text (programs log their exceptions so) its type.
    """
    entry = event.get("logentry")
    text = entry.get("message", entry.get("formatted")) if isinstance(entry, Mapping) else event.get("message")
    if text is None:
        return None
    logger = event.get("logger")
    shown = exact(text, TEXT_LIMIT) if issubclass(type(text), str) else show_name(text)
    return shown, logger if type(logger) is str else None
