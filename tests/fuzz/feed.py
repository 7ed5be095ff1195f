"""Decisions from bytes: the same bytes make the same case, whoever thought of them, hypothesis or atheris."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Feed:
    """Bytes, used up from their beginning. Where there are no more, all decisions fall on the first choice."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        """Whether there is something left."""
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        """The next bytes; fewer at the end."""
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    def rest(self) -> bytes:
        return self.take(len(self._data))

    def below(self, bound: int) -> int:
        """A number from 0 to one below ``bound``, which is at most 256."""
        return int.from_bytes(self.take(1), "big") % bound

    def flag(self) -> bool:
        return self.below(2) == 1

    def choose(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def chunk(self) -> bytes:
        """At most 63 bytes."""
        return self.take(self.below(64))

    def text(self) -> str:
        """Any text: bytes that are no UTF-8 are lone surrogates in it."""
        return as_text(self.chunk())

    def real(self) -> float:
        """Any float, the infinite ones too."""
        number: float = struct.unpack(">d", self.take(8).ljust(8, b"\0"))[0]
        return number


def as_text(data: bytes) -> str:
    """Bytes as text, each of them in some way."""
    return data.decode("utf-8", "surrogateescape")
