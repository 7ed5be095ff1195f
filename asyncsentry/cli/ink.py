"""Colour, where somebody looks: on a terminal, and only if ``NO_COLOR`` does not forbid it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Ink:
    """Marks text as what it is. Without colour it leaves the text alone."""

    colour: bool = False

    def title(self, text: str) -> str:
        return self._paint("1", text)

    def good(self, text: str) -> str:
        return self._paint("32", text)

    def bad(self, text: str) -> str:
        return self._paint("31", text)

    def quiet(self, text: str) -> str:
        return self._paint("2", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text


def ink_for(stream: TextIO) -> Ink:
    return Ink(colour=stream.isatty() and not os.environ.get("NO_COLOR"))
