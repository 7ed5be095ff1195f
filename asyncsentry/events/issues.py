"""What makes two events one issue, told before anything of them is read: what failed, and where it was raised."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final

from asyncsentry.events.foreign import exact, show_name, type_name

TEXT_LIMIT: Final = 200
"""Characters of a message that tell it from others."""

Issue = tuple[object, ...]


def issue_of_error(kind: type[BaseException], traceback: TracebackType | None) -> Issue:
    """The name of the exception's type, and the instruction that raised it."""
    name = type_name(kind)  # and not the type: a metaclass may say what it likes of that, and it would live on here
    if traceback is None:
        return (name,)
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    return name, code.co_filename, code.co_firstlineno, traceback.tb_lasti


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
