"""Which files there are, and which of them are one too many."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Final

from asyncsentry.delivery.spool.names import born

MOST_FILES: Final = 10_000
"""Files of one process, so that no folder becomes slow."""

MAX_AGE: Final = 30 * 24 * 3600.0
"""Seconds after which no server wants an envelope."""


class Shelf:
    """The names of one process's files, the oldest first, within bounds: ``most_bytes``, and those above.

    Some of the files are ``waiting``: what is in them is not in memory.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._sizes: dict[str, int] = {}
        self._names: list[str] = []
        self._waiting: list[str] = []
        self._bytes = 0

    def __contains__(self, name: str) -> bool:
        return name in self._sizes

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: str, size: int) -> None:
        if name not in self._sizes:
            insort(self._names, name)
            self._sizes[name] = size
            self._bytes += size

    def remove(self, name: str) -> None:
        """Forget a file, if it is known."""
        if name in self._sizes:
            _discard(self._names, name)
            _discard(self._waiting, name)
            self._bytes -= self._sizes.pop(name)

    @property
    def waits(self) -> bool:
        """Whether something is to be brought into memory."""
        return bool(self._waiting)

    def wait(self, name: str) -> None:
        """What is in this file is to be brought into memory some time."""
        if name in self._sizes:
            insort(self._waiting, name)

    def take(self) -> str | None:
        """The oldest file that waits, to be brought into memory now."""
        return self._waiting.pop(0) if self._waiting else None

    def fits(self, name: str, size: int, now: float) -> bool:
        """Whether there is room for one more file, or it is too old anyway. ``now``: seconds since the epoch."""
        return _expired(name, now) or (len(self) < MOST_FILES and self._bytes + size <= self._most_bytes)

    def allows(self, size: int) -> bool:
        """Whether a file of so many bytes may be here at all."""
        return size <= self._most_bytes

    def excess(self, now: float) -> Iterator[str]:
        """The files that have to go, the oldest first: each is to be removed before the next is asked for."""
        while self._names and (
            _expired(self._names[0], now) or len(self) > MOST_FILES or self._bytes > self._most_bytes
        ):
            yield self._names[0]


def _expired(name: str, now: float) -> bool:
    return now - born(name) > MAX_AGE


def _discard(names: list[str], name: str) -> None:
    at = bisect_left(names, name)
    if at < len(names) and names[at] == name:
        del names[at]
