"""Trimming: an event that is too large for a server loses what its reader misses least.

Imported late: an event is bounded when it is frozen, and only what a program sets itself, or a hook puts into it, can
make it as large as this. The order is that of the steps; each is taken only if those before it were not enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, Literal, Protocol, TypeAlias

from asyncsentry.events import Event
from asyncsentry.events.freezing import cut
from asyncsentry.item import EVENT_LIMIT
from asyncsentry.json import decode, encode

SHORTENED_NOTED: Final = 100
"""Texts that were cut and are noted: the notes on very many would be larger than what they tell of."""

_WHOLE_FRAMES: Final = 25
"""Frames at each end of a stack of which Relay keeps the variables and the lines around."""

_RANGED: Final = 4
"""Members of a remark on a part of a text: the last two are where that begins and ends, in bytes."""

_VARIABLES: Final = ("vars",)
_SOURCE: Final = ("pre_context", "post_context")

# Any: an event is what JSON can hold, and a hook may have given it any shape; what is used of it is looked at first.
_Node: TypeAlias = dict[str, Any]
_Path: TypeAlias = tuple[str, ...]
_Remark: TypeAlias = Literal["x", "s"]
"""What was done to a value, in Relay's words: it is gone, or something shorter stands for it."""


class _Note(Protocol):
    def __call__(self, path: _Path, length: int, remark: _Remark, left: int = 0) -> None:
        """Say what a value was before; of a text that was cut also how many characters of it are ``left``."""


_Step: TypeAlias = Callable[[_Node, _Note], None]


class Trimming:
    """An event that is cut until it fits, bit by bit. What was cut is noted in its ``_meta``, as Relay does.

    The event itself is not changed. Whoever needs it while another is at it cuts one of its own.
    """

    def __init__(self, event: Mapping[str, object], limit: int = EVENT_LIMIT) -> None:
        self._event = event
        self._limit = limit
        self._cuts = _cuts(event, limit)
        self._trimmed: Event | None = None

    def step(self) -> bool:
        """Take one step; whether there may be more to do."""
        try:
            self._trimmed = next(self._cuts)
        except (StopIteration, ValueError):  # it is done; somebody is in the midst of a step
            return False
        return self._trimmed is None

    def __call__(self) -> Event:
        return self._trimmed or next(filter(None, _cuts(self._event, self._limit)))


def trim(event: Event, limit: int = EVENT_LIMIT) -> Event:
    """The same at once, if it does not fit as it is."""
    return event if len(encode(event)) <= limit else Trimming(event, limit)()


def _cuts(event: Mapping[str, object], limit: int) -> Iterator[Event | None]:
    """What came of each step: None as long as the event is too large, then the event."""
    trimmed: Any = decode(encode(event))
    changed = False

    def note(path: _Path, length: int, remark: _Remark, left: int = 0) -> None:
        nonlocal changed
        changed = True
        _note(trimmed, path, length, remark, left)

    for step in (*_NOT_READ, _cut_the_largest(limit // 2), *_STEPS):
        yield None
        changed = False
        step(trimmed, note)
        if changed and len(encode(trimmed)) <= limit:
            yield trimmed
            return
    yield _skeleton(trimmed)


def _note(event: _Node, path: _Path, length: int, remark: _Remark, left: int) -> None:
    """Say what a value was before: the notes on what was within it are void, for its members have moved.

    But not those on what is left of a text.
    """
    node = event.setdefault("_meta", {})
    for part in path:
        node = node.setdefault(part, {})
    earlier = node.get("")
    node.clear()
    at_first = earlier.get("len", length) if type(earlier) is dict else length
    remarks = earlier.get("rem") if type(earlier) is dict else None
    kept = [each for each in remarks if _ends_before(each, left)] if type(remarks) is list else []
    node[""] = {"rem": [*kept, ["!limit", remark]], "len": at_first}


def _ends_before(remark: Any, place: int) -> bool:
    """Whether what a remark says is of a part of a text, all of which comes before a place."""
    return type(remark) is list and len(remark) == _RANGED and type(remark[-1]) is int and remark[-1] <= place


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


def _drop(fields: tuple[str, ...], oldest: int, newest: int) -> _Step:
    """Take these fields from all frames but so many at each end of a stack."""

    def drop(event: _Node, note: _Note) -> None:
        for path, stack in _stacks(event):
            last = len(stack["frames"]) - newest
            for index, frame in _members(stack["frames"]):
                for field in fields:
                    if field in frame and oldest <= int(index) < last:
                        note((*path, "frames", index, field), len(frame.pop(field) or ()), "x")

    return drop


def _shorten_variables(limit: int) -> _Step:
    """Cut every text in the variables of frames."""

    def shorten(event: _Node, note: _Note) -> None:
        cuts: list[tuple[_Path, int]] = []
        for path, stack in reversed([*_stacks(event)]):  # the newest first, as not all are noted
            for index, frame in reversed([*_members(stack["frames"])]):
                if "vars" in frame:
                    frame["vars"] = _shortened(frame["vars"], limit, (*path, "frames", index, "vars"), cuts)
        _note_cuts(cuts, limit, note)

    return shorten


def _drop_field(name: str) -> _Step:
    def drop(event: _Node, note: _Note) -> None:
        if name in event:
            note((name,), len(encode(event.pop(name))), "x")

    return drop


def _drop_contexts(event: _Node, note: _Note) -> None:
    """All but those that say what the program ran on, and the trace, which every event must have."""
    contexts = event.get("contexts")
    if type(contexts) is dict:
        for name in set(contexts) - {"trace", "runtime", "os", "device"}:
            note(("contexts", name), len(encode(contexts.pop(name))), "x")


def _keep_newest(holder: str, count: int) -> _Step:
    def keep(event: _Node, note: _Note) -> None:
        values = _values(event, holder)
        if type(values) is list and len(values) > count:
            event[holder]["values"] = values[-count:]
            note((holder, "values"), len(values), "x")

    return keep


def _keep_frames(oldest: int, newest: int) -> _Step:
    def keep(event: _Node, note: _Note) -> None:
        for path, stack in _stacks(event):
            frames = stack["frames"]
            if len(frames) > oldest + newest:
                stack["frames"] = frames[:oldest] + frames[-newest:]
                note((*path, "frames"), len(frames), "x")

    return keep


def _keep_first(name: str, count: int) -> _Step:
    def keep(event: _Node, note: _Note) -> None:
        value = event.get(name)
        if type(value) is list:
            event[name] = value[:count]
        elif type(value) is dict:
            event[name] = dict(islice(value.items(), count))
        else:
            return
        if len(value) > count:
            note((name,), len(value), "x")

    return keep


def _shorten(limit: int) -> _Step:
    """Cut every text."""

    def shorten(event: _Node, note: _Note) -> None:
        cuts: list[tuple[_Path, int]] = []
        for name, value in event.items():
            if name != "_meta":
                event[name] = _shortened(value, limit, (name,), cuts)
        _note_cuts(cuts, limit, note)

    return shorten


def _note_cuts(cuts: list[tuple[_Path, int]], limit: int, note: _Note) -> None:
    for path, length in cuts[:SHORTENED_NOTED]:
        note(path, length, "s", limit - len("..."))


def _shortened(value: Any, limit: int, path: _Path, cuts: list[tuple[_Path, int]]) -> Any:
    """The value with every text in it cut; ``cuts`` is told of each, with its place and what its length was."""
    if type(value) is str:
        if len(value) > limit:
            cuts.append((path, len(value)))
        return cut(value, limit)
    if type(value) is list:
        return [_shortened(member, limit, (*path, str(index)), cuts) for index, member in enumerate(value)]
    if type(value) is dict:
        return {name: _shortened(member, limit, (*path, name), cuts) for name, member in value.items()}
    return value


def _cut_the_largest(share: int) -> _Step:
    """Cut what alone takes more than ``share``: nothing else has to go for it."""

    def cut_the_largest(event: _Node, note: _Note) -> None:
        for name, steps in _LARGE.items():
            for step in steps:
                if name in event and len(encode(event[name])) > share:
                    step(event, note)

    return cut_the_largest


_LARGE: Final[Mapping[str, tuple[_Step, ...]]] = {
    "extra": (_drop_field("extra"),),
    "breadcrumbs": (_keep_newest("breadcrumbs", 20), _drop_field("breadcrumbs")),
    "contexts": (_drop_contexts,),
    "modules": (_drop_field("modules"),),
    "request": (_drop_field("request"),),
}

_NOT_READ: Final[tuple[_Step, ...]] = (
    _shorten(16 * 1024),
    _keep_first("tags", 200),
    _keep_first("fingerprint", 50),
)

_STEPS: Final[tuple[_Step, ...]] = (
    # What Relay would throw away in any case: of a stack it keeps 50 frames at its beginning and 200 at its end.
    _keep_frames(50, 200),
    _keep_newest("exception", 50),
    _drop(_VARIABLES, _WHOLE_FRAMES, _WHOLE_FRAMES),
    _drop(_SOURCE, _WHOLE_FRAMES, _WHOLE_FRAMES),
    # What it would keep. Where it failed is read first, and the beginning of a text tells most of it.
    _shorten_variables(1024),
    _drop(_VARIABLES, 0, 10),
    _keep_newest("breadcrumbs", 20),
    _drop(_SOURCE, 0, 10),
    _shorten_variables(256),
    _drop_field("modules"),
    _drop(_VARIABLES, 0, 3),
    _drop(_SOURCE, 0, 3),
    _drop(_VARIABLES, 0, 1),
    _drop(_VARIABLES, 0, 0),
    _drop(_SOURCE, 0, 0),
    _drop_field("extra"),
    _drop_contexts,
    _drop_field("breadcrumbs"),
    _drop_field("request"),
    _drop_field("threads"),
    _shorten(1024),
    _drop_field("user"),
    _keep_newest("exception", 10),
    _keep_frames(10, 40),
    _shorten(128),
    _keep_frames(1, 9),
    _keep_newest("exception", 3),
    _keep_frames(0, 3),
)

_ESSENTIAL: Final = ("event_id", "timestamp", "platform", "level", "release", "environment", "logger")


def _skeleton(event: _Node) -> Event:
    """What can be no larger: that something happened, what and when."""
    kept: _Node = {name: _short(event[name]) for name in _ESSENTIAL if type(event.get(name)) in (str, int, float)}
    raised = [member for _, member in _members(_values(event, "exception"))][-1:]
    if raised:
        kept["exception"] = {"values": [{name: _short(raised[0].get(name)) for name in ("type", "value")}]}
    kept["logentry"] = {"formatted": "This event was too large to be sent, and could not be cut to a size that is."}
    return kept


def _short(value: Any) -> Any:
    return cut(value, 128) if type(value) is str else value if type(value) in (int, float) else None
