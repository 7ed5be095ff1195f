"""Trimming: an event that is too large for a server loses what its reader misses least.

Imported late: an event is bounded when it is frozen, and only what a program sets itself, or a hook puts into it, can
make it as large as this. The order is that of `_STEPS`; each is taken only if those before it were not enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from asyncsentry.events import Event
from asyncsentry.events.freezing import cut
from asyncsentry.json import decode, encode

EVENT_LIMIT: Final = 1024 * 1024
"""Bytes of JSON: a server refuses a larger event as a whole."""

_WHOLE_FRAMES: Final = 25
"""Frames at each end of a stack of which Relay keeps the variables and the lines around."""

# Any: an event is what JSON can hold, and a hook may have given it any shape; what is used of it is looked at first.
_Node: TypeAlias = dict[str, Any]
_Path: TypeAlias = tuple[str, ...]
_Note: TypeAlias = Callable[[_Path, int], None]
_Step: TypeAlias = Callable[[_Node, _Note], None]


def trim(event: Event, limit: int = EVENT_LIMIT) -> Event:
    """The event, cut until it fits; what was cut is noted in its ``_meta``, as Relay does. It is not changed itself."""
    size = len(encode(event))
    if size <= limit:
        return event
    trimmed: Any = decode(encode(event))
    for step in _STEPS:
        step(trimmed, lambda path, length: _note(trimmed, path, length))
        if len(encode(trimmed)) <= limit:
            return trimmed  # type: ignore[no-any-return]  # read back from the JSON of an event
    return _skeleton(trimmed)


def _note(event: _Node, path: _Path, length: int) -> None:
    """Say what a value was before: the notes on what was within it are void, for its members have moved."""
    node = event.setdefault("_meta", {})
    for part in path:
        node = node.setdefault(part, {})
    node.clear()
    node[""] = {"rem": [["!limit", "x"]], "len": length}


def _members(value: Any) -> Iterator[tuple[str, _Node]]:
    """The objects in a list, each with its position, as it is called in ``_meta``."""
    if type(value) is list:
        yield from ((str(index), member) for index, member in enumerate(value) if type(member) is dict)


def _values(event: _Node, name: str) -> Any:
    holder = event.get(name)
    return holder.get("values") if type(holder) is dict else None


def _stacks(event: _Node) -> Iterator[tuple[_Path, _Node]]:
    for name in ("threads", "exception"):
        for index, member in _members(_values(event, name)):
            stack = member.get("stacktrace")
            if type(stack) is dict and type(stack.get("frames")) is list:
                yield (name, "values", index, "stacktrace"), stack


def _drop(event: _Node, note: _Note, fields: tuple[str, ...], ends: int) -> None:
    """Take these fields from all frames but those at the ends of each stack."""
    for path, stack in _stacks(event):
        last = len(stack["frames"]) - ends
        for index, frame in _members(stack["frames"]):
            for field in fields:
                if field in frame and ends <= int(index) < last:
                    note((*path, "frames", index, field), len(frame.pop(field) or ()))


def _drop_inner_variables(event: _Node, note: _Note) -> None:
    _drop(event, note, ("vars",), _WHOLE_FRAMES)


def _drop_variables(event: _Node, note: _Note) -> None:
    _drop(event, note, ("vars",), 0)


def _drop_inner_source(event: _Node, note: _Note) -> None:
    _drop(event, note, ("pre_context", "post_context"), _WHOLE_FRAMES)


def _drop_source(event: _Node, note: _Note) -> None:
    _drop(event, note, ("pre_context", "post_context"), 0)


def _drop_field(name: str) -> _Step:
    def drop(event: _Node, note: _Note) -> None:
        if name in event:
            note((name,), len(encode(event.pop(name))))

    return drop


def _drop_contexts(event: _Node, note: _Note) -> None:
    """All but those that say what the program ran on, and the trace, which every event must have."""
    contexts = event.get("contexts")
    if type(contexts) is dict:
        for name in set(contexts) - {"trace", "runtime", "os", "device"}:
            note(("contexts", name), len(encode(contexts.pop(name))))


def _keep_newest(holder: str, count: int) -> _Step:
    def keep(event: _Node, note: _Note) -> None:
        values = _values(event, holder)
        if type(values) is list and len(values) > count:
            event[holder]["values"] = values[-count:]
            note((holder, "values"), len(values))

    return keep


def _keep_frames(oldest: int, newest: int) -> _Step:
    def keep(event: _Node, note: _Note) -> None:
        for path, stack in _stacks(event):
            frames = stack["frames"]
            if len(frames) > oldest + newest:
                stack["frames"] = frames[:oldest] + frames[-newest:]
                note((*path, "frames"), len(frames))

    return keep


def _shorten(limit: int) -> _Step:
    """Cut every text. Where one was cut shows in itself; it is not noted."""

    def shorten(event: _Node, _note: _Note) -> None:
        for name, value in event.items():
            if name != "_meta":
                event[name] = _shortened(value, limit)

    return shorten


def _shortened(value: Any, limit: int) -> Any:
    if type(value) is str:
        return cut(value, limit)
    if type(value) is list:
        return [_shortened(member, limit) for member in value]
    if type(value) is dict:
        return {name: _shortened(member, limit) for name, member in value.items()}
    return value


_STEPS: Final[tuple[_Step, ...]] = (
    # What Relay would throw away in any case: of a stack it keeps 50 frames at its beginning and 200 at its end.
    _shorten(16 * 1024),
    _keep_frames(50, 200),
    _keep_newest("exception", 50),
    _drop_inner_variables,
    _drop_inner_source,
    # What it would keep.
    _drop_variables,
    _drop_source,
    _drop_field("extra"),
    _keep_newest("breadcrumbs", 20),
    _drop_contexts,
    _drop_field("breadcrumbs"),
    _drop_field("modules"),
    _drop_field("request"),
    _drop_field("threads"),
    _shorten(1024),
    _keep_newest("exception", 10),
    _keep_frames(10, 40),
    _shorten(128),
    _keep_frames(1, 9),
)

_ESSENTIAL: Final = ("event_id", "timestamp", "platform", "level", "release", "environment", "logger")


def _skeleton(event: _Node) -> Event:
    """What can be no larger: that something happened, and when."""
    kept = {name: _shortened(event[name], 128) for name in _ESSENTIAL if type(event.get(name)) in (str, int, float)}
    kept["logentry"] = {"formatted": "This event was too large to be sent, and could not be cut to a size that is."}
    return kept
