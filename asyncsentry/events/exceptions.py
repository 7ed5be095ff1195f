"""Exceptions: what was raised, what caused it, and what is grouped in it."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, cast

from asyncsentry.events import Json
from asyncsentry.events.foreign import (
    IdentityCache,
    bases,
    defines,
    member,
    module_name,
    short_name,
    show_name,
    writes_much,
)
from asyncsentry.events.frames import PlainCall, plain_frames, short_path, traceback_frames
from asyncsentry.events.freezing import OMITTED, Freezer, cut
from asyncsentry.events.rules import MESSAGE_LIMIT
from asyncsentry.events.source import LINE_LIMIT, LOOKED_AT

TYPE_LIMIT: Final = 256
NOTES_LIMIT: Final = 20
ARGUMENTS_LIMIT: Final = 20
COUNT_LIMIT: Final = 1000
"""How many exceptions beyond the bound are still counted."""


class Mechanism(NamedTuple):
    """How an exception came to be captured. ``type`` is ``generic`` for a capture that the application asked for."""

    type: str = "generic"
    handled: bool = True
    data: Mapping[str, object] | None = None
    synthetic: bool = False
    description: str | None = None
    help_link: str | None = None
    calls: Sequence[PlainCall] = ()
    """The calls that it came through, its oldest first: shown if it has no traceback any more."""


_Link: TypeAlias = "tuple[BaseException, int | None, str | None]"
"""An exception with the number of the one that led to it, and how it hangs on that."""


class Exceptions:
    """The ``values`` of an event's ``exception``: the causes first, ``error`` itself last.

    Each is numbered from ``error``, which is 0, and names its parent, so that a server can draw the tree; an exception
    alone has no number. The stacks come after all that they may use up of budget and patience: no message is lost to a
    variable.
    """

    def __init__(self, error: BaseException, mechanism: Mechanism, freezer: Freezer) -> None:
        links = _walk(error, freezer)
        more = len(links) - freezer.rules.max_exceptions
        self._shown = [(link, _kind_of(link[0])) for link in links[: freezer.rules.max_exceptions]]
        self._values = [_describe(error, kind, freezer) for (error, _, _), kind in self._shown]
        self._freezer = freezer
        self._calls = mechanism.calls
        first = _describe_mechanism(mechanism, more, freezer)
        for number, ((error, parent, source), kind) in enumerate(self._shown):
            described: dict[str, Json] = {"type": "chained"} if number else first
            if len(self._shown) > 1:
                described["exception_id"] = number
            if parent is not None:
                described |= {"parent_id": parent, "source": source}
            if kind.is_group or kind.has_number:
                described |= _particulars(error, kind, freezer)
            self._values[number]["mechanism"] = described

    def with_stacks(self) -> list[dict[str, Json]]:
        """All of them, with the calls that they came through."""
        freezer = self._freezer
        for ((error, _, _), kind), value in zip(self._shown, self._values, strict=True):
            frames = traceback_frames(traceback_of(error), freezer)
            if not frames and self._calls and value is self._values[0]:
                frames = plain_frames(self._calls, freezer)
            if kind.has_place:
                frames += _syntax_frames(error, freezer)
            if frames:
                value["stacktrace"] = {"frames": cast("list[Json]", frames)}
        return self._values[::-1]


# Read past whatever a subclass puts in their place.
_cause_of: Final = BaseException.__dict__["__cause__"].__get__
_context_of: Final = BaseException.__dict__["__context__"].__get__
_suppresses: Final = BaseException.__dict__["__suppress_context__"].__get__
traceback_of: Final = BaseException.__dict__["__traceback__"].__get__
arguments_of: Final = BaseException.__dict__["args"].__get__
_dict_of: Final = BaseException.__dict__["__dict__"].__get__


def _walk(error: BaseException, freezer: Freezer) -> list[_Link]:
    """Every exception once, depth first: what led to one, then what is grouped in it. No more than are counted."""
    waiting: list[_Link] = [(error, None, None)]
    found: list[_Link] = []
    met: set[int] = set()
    most = freezer.rules.max_exceptions + COUNT_LIMIT
    while waiting and len(found) < most:
        link = waiting.pop()
        error = link[0]
        if id(error) not in met:
            met.add(id(error))
            found.append(link)
            links = _links_from(error, len(met) - 1, freezer)
            if links:
                waiting += reversed(links)
    return found


def _links_from(error: BaseException, number: int, freezer: Freezer) -> list[_Link]:
    if _suppresses(error):
        before, source = _cause_of(error), "__cause__"
    else:
        before, source = _context_of(error), "__context__"
    members = _members(error, freezer) if _kind_of(error).is_group else ()
    if before is None and not members:
        return []
    links: list[_Link] = [(member, number, f"exceptions[{index}]") for index, member in enumerate(members)]
    # What a group was raised from is often one of its members, too (a TaskGroup's own error): there it says more.
    if before is not None and not any(before is member for member in members):
        links.insert(0, (before, number, source))
    return links


class _Kind(NamedTuple):
    """What is true of all exceptions of a type.

    ``own_text`` is whether they say their arguments and nothing else, ``says_key`` whether as a `KeyError` does, and
    ``computes_notes`` whether their notes are the type's.
    """

    fields: dict[str, Json]
    is_group: bool
    has_number: bool
    has_place: bool
    own_text: bool
    says_key: bool
    computes_notes: bool


_kinds: IdentityCache[_Kind] = IdentityCache(limit=1024)


def _kind_of(error: BaseException) -> _Kind:
    kind = type(error)
    known = _kinds.get(kind)
    if known is None:
        known = _learn(kind)
        _kinds.put(kind, known)
    return known


def _learn(kind: type[BaseException]) -> _Kind:
    fields: dict[str, Json] = {"type": cut(short_name(kind).rpartition("<locals>.")[2], TYPE_LIMIT)}
    module = module_name(kind)
    if module != "builtins":
        fields["module"] = cut(module, TYPE_LIMIT)
    return _Kind(
        fields,
        # By name: 3.10 has no builtin, but a backport whose class is called the same.
        is_group="BaseExceptionGroup" in map(short_name, bases(kind)),
        has_number=issubclass(kind, OSError),
        has_place=issubclass(kind, SyntaxError),
        own_text=member(kind, "__str__") is BaseException.__str__,
        says_key=member(kind, "__str__") is KeyError.__str__,
        computes_notes=defines(kind, "__notes__"),
    )


def grouped_in(error: BaseException) -> tuple[BaseException, ...]:
    """What is grouped in an exception; nothing, if it is no group, or cannot tell."""
    if not _kind_of(error).is_group:
        return ()
    try:
        return _checked(cast("Any", error).exceptions)
    except Exception:
        return ()


def _members(error: BaseException, freezer: Freezer) -> tuple[BaseException, ...]:
    return _checked(freezer.ask(lambda group: group.exceptions, cast("Any", error)))[
        : freezer.rules.max_exceptions + COUNT_LIMIT
    ]


def _checked(members: object) -> tuple[BaseException, ...]:
    valid = type(members) is tuple and all(issubclass(type(member), BaseException) for member in members)
    return cast("tuple[BaseException, ...]", members) if valid else ()


def _describe(error: BaseException, kind: _Kind, freezer: Freezer) -> dict[str, Json]:
    value = kind.fields.copy()
    text = _message(error, kind, freezer)
    notes = _notes_of(error, kind, freezer)
    if notes:
        text = "\n".join([text, *(freezer.text(note, MESSAGE_LIMIT) for note in notes)])
    if text:
        value["value"] = cut(text, MESSAGE_LIMIT)
    return value


def _message(error: BaseException, kind: _Kind, freezer: Freezer) -> str:
    """What the exception says; of a group without the number of its members, which is no part of its message."""
    if kind.is_group:
        message = freezer.ask(lambda group: group.message, cast("Any", error))
        return freezer.text(show_name(error) if message is None else message, MESSAGE_LIMIT)
    arguments = arguments_of(error)
    if kind.says_key and freezer.ask(writes_much, arguments):
        return _show_arguments(arguments, freezer)
    if not kind.own_text:
        return freezer.text(error, MESSAGE_LIMIT)
    if len(arguments) == 1 and type(arguments[0]) is str:
        return freezer.text(arguments[0], MESSAGE_LIMIT)
    return _show_arguments(arguments, freezer) if _hold_much(arguments) else freezer.text(error, MESSAGE_LIMIT)


def _hold_much(arguments: tuple[object, ...]) -> bool:
    return len(arguments) > 1 or (len(arguments) == 1 and type(arguments[0]) in _CONTAINERS)


def _show_arguments(arguments: tuple[object, ...], freezer: Freezer) -> str:
    """What ``str`` says of a builtin exception; bounded, as it would write out all of each argument."""
    if len(arguments) == 1:
        return freezer.text(str(freezer.freeze(arguments[0])), MESSAGE_LIMIT)
    shown = [_show_argument(argument, freezer) for argument in arguments[:ARGUMENTS_LIMIT]]
    if len(arguments) > ARGUMENTS_LIMIT:
        shown.append(OMITTED)
    return freezer.text(f"({', '.join(shown)})", MESSAGE_LIMIT)


def _show_argument(argument: object, freezer: Freezer) -> str:
    frozen = freezer.freeze(argument)
    return frozen if type(frozen) is str and type(argument) is not str else repr(frozen)


def _notes_of(error: BaseException, kind: _Kind, freezer: Freezer) -> Sequence[object]:
    if kind.computes_notes:
        notes = freezer.ask(lambda noted: noted.__notes__, cast("Any", error))
    else:
        notes = dict.get(_dict_of(error), "__notes__", ())
    return notes[:NOTES_LIMIT] if type(notes) is list or type(notes) is tuple else ()


def _describe_mechanism(mechanism: Mechanism, more: int, freezer: Freezer) -> dict[str, Json]:
    described: dict[str, Json] = {"type": mechanism.type, "handled": mechanism.handled}
    data = freezer.freeze_mapping(mechanism.data) if mechanism.data else {}
    if more > 0:
        data["exceptions_not_shown"] = f"{more} or more" if more == COUNT_LIMIT else more
    if data:
        described["data"] = data
    if mechanism.synthetic:
        described["synthetic"] = True
    if mechanism.description is not None:
        described["description"] = freezer.text(mechanism.description)
    if mechanism.help_link is not None:
        described["help_link"] = freezer.text(mechanism.help_link, TYPE_LIMIT)
    return described


def _particulars(error: BaseException, kind: _Kind, freezer: Freezer) -> dict[str, Json]:
    """What a server shows of groups, and of errors with a number."""
    if kind.is_group:
        return {"is_exception_group": True}
    number = freezer.ask(lambda failed: failed.errno, cast("OSError", error))
    if type(number) is not int or number not in errno.errorcode:
        return {}
    return {"meta": {"errno": {"number": number, "name": errno.errorcode[number]}}}


def _syntax_frames(error: BaseException, freezer: Freezer) -> list[dict[str, Json]]:
    """The line that could not be compiled, as the last frame: no code ran there."""
    path, line, column, text = (SyntaxError.__dict__[name].__get__(error) for name in _SYNTAX_FIELDS)
    if type(path) is not str or type(line) is not int or line < 1:
        return []
    frame: dict[str, Json] = {
        "filename": cut(short_path(path, None, freezer.rules), LINE_LIMIT),
        "abs_path": cut(path, LINE_LIMIT),
        "lineno": line,
        "in_app": freezer.rules.in_app(path, None),
    }
    if type(column) is int and column > 0:
        frame["colno"] = column
    if type(text) is str and freezer.rules.collection.frame_context_lines:
        from asyncsentry.events.secrets import secrets_of  # errors in source are rare

        line = secrets_of(freezer.rules.secret_names).hide_in_code(text.rstrip("\n")[:LOOKED_AT])
        frame["context_line"] = cut(line, LINE_LIMIT)
    return [frame]


_CONTAINERS: Final = frozenset({dict, list, tuple, set, frozenset})

_SYNTAX_FIELDS: Final = ("filename", "lineno", "offset", "text")
