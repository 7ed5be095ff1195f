"""Making plain again what a hook gave back: whatever it put into an event, JSON can hold the rest as it was."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, Final

from asyncsentry.events import Json
from asyncsentry.events.foreign import show_name
from asyncsentry.events.freezing import CIRCULAR, Freezer, cut
from asyncsentry.events.rules import Rules

DEPTH_LIMIT: Final = 60
"""Containers within containers: servers refuse JSON that is nested 128 deep, as a whole."""

_INT_BITS: Final = 63

_ODD: Final = Rules(max_value_length=64 * 1024, max_depth=10, max_breadth=1000, max_values=100_000)
"""The bounds of what was not plain: wide ones, for somebody put it there to be sent."""


_OBJECT: Final = 64
"""About what a text, a number or a container takes in memory beside what it holds, in bytes."""


def plain(value: object) -> Json:
    """A copy that JSON can hold. What was plain is not cut, nor what JSON would take for it (an enumeration of texts).

    Anything else, and what contains itself, is shown as it is among local variables.
    """
    return plain_and_weight(value)[0]


def plain_and_weight(value: object) -> tuple[Json, int]:
    """The same, and about how many bytes of memory it takes."""
    copying = _Copying()
    return copying.copy(value), copying.weight


class _Copying:
    """One copy being made, with the containers that the value at hand is in."""

    __slots__ = ("_freezer", "_open", "_weight")

    def __init__(self) -> None:
        self._freezer = Freezer(_ODD)
        self._open: list[int] = []
        self._weight = 0

    @property
    def weight(self) -> int:
        return self._weight + self._freezer.weight

    def copy(self, value: Any) -> Json:
        kind = type(value)
        self._weight += _OBJECT
        if value is None or kind is bool:
            return value  # type: ignore[no-any-return]  # known by identity, not by a test that mypy follows
        if issubclass(kind, str):
            text = str.__getitem__(value, slice(None))
            self._weight += len(text)
            return cut(text, len(text))
        if issubclass(kind, int) and int.bit_length(value) <= _INT_BITS:
            return int.__int__(value)
        if issubclass(kind, float) and isfinite(number := float.__float__(value)):
            return number
        if issubclass(kind, dict):
            return self._enter(value, self._copy_dict)
        if issubclass(kind, (list, tuple)):
            return self._enter(value, self._copy_list)
        return self._freezer.freeze(value, scrub=False)

    def _enter(self, value: Any, copy: Callable[[Any], Json]) -> Json:
        if id(value) in self._open:
            return CIRCULAR
        if len(self._open) >= DEPTH_LIMIT:
            return show_name(value)
        self._open.append(id(value))
        copied = copy(value)
        self._open.pop()
        return copied

    def _copy_dict(self, value: dict[Any, Any]) -> Json:
        return {str(self.copy(name)): self.copy(member) for name, member in list(dict.items(value))}

    def _copy_list(self, value: Any) -> Json:
        members = list.__iter__(value) if issubclass(type(value), list) else tuple.__iter__(value)
        return [self.copy(member) for member in list(members)]
