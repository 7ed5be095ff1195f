"""A loop that notes how long it was busy each time between two looks at its sockets: nothing else ran meanwhile."""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import Final


class Watching(selectors.DefaultSelector):  # type: ignore[misc,valid-type,unused-ignore]  # another class on each system
    """Notes it in `slices`, in nanoseconds of the thread's processor time."""

    def __init__(self) -> None:
        super().__init__()
        self.slices: list[int] = []
        self._begun: int | None = None

    def restart(self) -> None:
        """Leave out what was before, of this slice too."""
        self.slices.clear()
        self._begun = time.thread_time_ns()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self._begun is not None:
            self.slices.append(time.thread_time_ns() - self._begun)
        ready = super().select(timeout)
        self._begun = time.thread_time_ns()
        return ready


class SlicedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.watching: Final = Watching()
        super().__init__(self.watching)
