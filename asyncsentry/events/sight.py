"""What there is to be seen in an event: its containers, each with its place, and all that is in them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Container, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeAlias

# Any: an event's parts are plain data of any shape.
Parts: TypeAlias = "dict[str, Any] | list[Any]"

Place: TypeAlias = "tuple[Parts, Place | None]"
"""A container in an event, and what it stands in: a plain tuple, for there are hundreds of them."""


_FEW: Final = 8
"""So many values are looked for one by one, which is faster; but no more, for the time's sake."""


class Sight(NamedTuple):
    """What there is to be seen in an event."""

    places: list[Place]
    members: list[Any]
    """Of the first container all names and values, then those of the second."""
    begins: list[int]
    """Where the members of each container begin."""

    def values(self) -> set[str | int]:
        """The texts and the numbers."""
        return {member for member in self.members if type(member) is str or type(member) is int}

    def holders(self, wanted: Collection[str | int]) -> list[Place]:
        """The places in which one of these is."""
        if len(wanted) > _FEW:
            kinds = (str, int)
            indices = [at for at, member in enumerate(self.members) if type(member) in kinds and member in wanted]
        else:
            indices = [at for value in wanted for at in self._occurrences(value)]
        found = {bisect_right(self.begins, index) - 1 for index in indices}
        return [self.places[number] for number in sorted(found)]

    def _occurrences(self, value: str | int) -> Iterator[int]:
        index = -1
        with suppress(ValueError):  # there is no further one
            while True:
                index = self.members.index(value, index + 1)
                yield index


def members(container: Parts) -> Iterable[tuple[Any, Any]]:
    """With the name, or the number, of each."""
    return container.items() if type(container) is dict else enumerate(container)


def look_through(event: dict[str, Any], only: Container[int] | None) -> Sight:
    """Of a frame its variables alone, and ``only`` those with these ids, if that is said: the rest is the code's, whose
    lines are looked through when they are read."""
    raised = {id(holder) for holder in _holders_of_stacks(event)}
    places: list[Place] = [(event, None)]
    members: list[Any] = []
    begins: list[int] = []
    for place in places:  # which grow meanwhile
        begins.append(len(members))
        container = place[0]
        if type(container) is dict:
            frames = _frames(container) if id(container) in raised else None
            if frames is not None:
                places += _variables(frames, (container["stacktrace"], place), only)
                container = {name: value for name, value in container.items() if name != "stacktrace"}
            members += container
            values: Collection[Any] = container.values()
        else:
            values = container
        members += values
        places += [(member, place) for member in values if (type(member) is dict or type(member) is list) and member]
    return Sight(places, members, begins)


def _holders_of_stacks(event: dict[str, Any]) -> Iterator[object]:
    """Exceptions and threads: what is called a stack elsewhere is data like any other."""
    for name in ("exception", "threads"):
        holder = event.get(name)
        values = holder.get("values") if type(holder) is dict else None
        if type(values) is list:
            yield from values


def _frames(holder: dict[str, Any]) -> list[Any] | None:
    """Those of an exception or a thread."""
    stack = holder.get("stacktrace")
    frames = stack.get("frames") if type(stack) is dict else None
    return frames if type(frames) is list else None


def _variables(frames: list[Any], stack: Place, only: Container[int] | None) -> Iterator[Place]:
    all_frames: Place = (frames, stack)
    for frame in frames:
        variables = frame.get("vars") if type(frame) is dict else None
        if type(variables) is dict and (only is None or id(variables) in only):
            yield variables, (frame, all_frames)
