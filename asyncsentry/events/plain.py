"""Making plain again what a hook gave back: whatever it put into an event, JSON can hold the rest as it was."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, Final

from asyncsentry.events import Json
from asyncsentry.events.freezing import CIRCULAR, Freezer, cut
from asyncsentry.events.rules import Rules

DEPTH_LIMIT: Final = 60
"""Containers within containers: servers refuse JSON that is nested 128 deep, as a whole."""

_WHOLE: Final = Rules(max_value_length=1024 * 1024, max_depth=10, max_breadth=1000, max_values=100_000)


def plain(value: object) -> Json:
    """A copy that JSON can hold. What was plain already is not cut; the rest is shown as in local variables."""
    return _Plain().copy(value)


class _Plain:
    """One copy. ``open`` are the containers that the value at hand is in."""

    __slots__ = ("_freezer", "_open")

    def __init__(self) -> None:
        self._freezer = Freezer(_WHOLE)
        self._open: list[int] = []

    def copy(self, value: Any) -> Json:
        kind = type(value)
        if kind is str:
            return cut(value, len(value))
        if value is None or kind is bool or (kind is int and value.bit_length() <= _INT_BITS):
            return value  # type: ignore[no-any-return]
        if kind is float and isfinite(value):
            return value  # type: ignore[no-any-return]
        if kind is dict:
            return self._enter(value, self._copy_dict)
        if kind is list or kind is tuple:
            return self._enter(value, self._copy_list)
        return self._freezer.freeze(value, scrub=False)

    def _enter(self, value: Any, copy: Callable[[Any], Json]) -> Json:
        if id(value) in self._open:
            return CIRCULAR
        if len(self._open) >= DEPTH_LIMIT:
            return f"<{type(value).__name__} of {len(value)}>"
        self._open.append(id(value))
        copied = copy(value)
        self._open.pop()
        return copied

    def _copy_dict(self, value: dict[Any, Any]) -> Json:
        return {self._name(name): self.copy(member) for name, member in list(value.items())}

    def _copy_list(self, value: list[Any] | tuple[Any, ...]) -> Json:
        return [self.copy(member) for member in list(value)]

    def _name(self, name: object) -> str:
        copied = self.copy(name)
        return copied if type(copied) is str else str(copied)


_INT_BITS: Final = 63
