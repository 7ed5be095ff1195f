"""A bar that grows, where somebody looks."""

from __future__ import annotations

from typing import Final, TextIO

WIDTH: Final = 40


class Progress:
    """On a terminal, one line that is drawn again and again; elsewhere nothing."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._done = 0
        self._wanted = stream.isatty()
        self._draw()

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        self._draw()

    def end(self) -> None:
        """Leave the terminal as it was."""
        if self._wanted:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _draw(self) -> None:
        if self._wanted and self._total:
            bar = "█" * (WIDTH * self._done // self._total)
            self._stream.write(f"\r{bar:·<{WIDTH}} {self._done} of {self._total}")
            self._stream.flush()
