"""Making plain again what a hook gave back: whatever it put into an event, JSON can hold the rest as it was."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, Final, cast

from asyncsentry.events import Json
from asyncsentry.events.foreign import show_name
from asyncsentry.events.freezing import CIRCULAR, Freezer, cut
from asyncsentry.events.packing import keep, recall
from asyncsentry.events.rules import Rules

DEPTH_LIMIT: Final = 60
"""Containers within containers: servers refuse JSON that is nested 128 deep, as a whole."""

_INT_BITS: Final = 63
_LARGEST_INT: Final = 2**_INT_BITS - 1

_MOST_INNER: Final = 100_000
"""Containers in one layer: in more of them, one and the same is many times."""

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


def unfold(kept: bytes) -> dict[str, Any]:
    """What was kept, as JSON can hold it."""
    value: dict[str, Any] = recall(kept)
    if not _is_plain(value):
        value = cast("dict[str, Any]", plain(value))
    return value


def own(value: Any) -> Any:
    """A copy of what is plain, or as good as that, to be changed."""
    kept = keep(value)
    return plain(value) if kept is None else recall(kept)


def _is_plain(value: dict[str, Any]) -> bool:
    """Whether JSON holds this as it is. Layer by layer: what contains itself has too many of them."""
    layer: list[Any] = [value]
    for _ in range(DEPTH_LIMIT):
        inner: list[Any] = []
        if not all(_has_plain_members(container, inner) for container in layer):
            return False
        if not inner or len(inner) > _MOST_INNER:
            return not inner
        layer = inner
    return False


def _has_plain_members(container: Any, inner: list[Any]) -> bool:
    """The same of one container; those in it are noted in ``inner`` for later."""
    if type(container) is dict:
        for name in container:
            if type(name) is not str:
                return False
        container = container.values()
    for member in container:
        kind = type(member)
        if kind is str:
            continue
        if kind is dict or kind is list:
            inner.append(member)
        elif kind is int or kind is float:
            if not -_LARGEST_INT <= member <= _LARGEST_INT and not (kind is float and isfinite(member)):
                return False
        elif member is not None and kind is not bool:
            return False
    return True


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
        return self._freezer.freeze(value)

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
