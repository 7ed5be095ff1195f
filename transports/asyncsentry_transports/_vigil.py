"""For how long the end of a loop, run or reactor was waited for in vain; the same in every style."""

from __future__ import annotations

import time
from collections.abc import Callable

from asyncsentry.transport.settings import Settings


class Vigil:
    """The end of a loop, run or reactor that is held up until what is under way there has landed."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.monotonic) -> None:
        self.longest = settings.loop_timeout
        """For how many seconds it is held up at most."""
        self._now = now
        self._since: float | None = None

    def begin(self) -> None:
        self._since = self._now()

    def move(self) -> None:
        """Something was sent, or has landed."""
        if self._since is not None:
            self._since = self._now()

    def end(self) -> None:
        """Nothing is under way any more."""
        self._since = None

    @property
    def in_vain(self) -> float:
        """For how many seconds it has been held up while nothing moved."""
        return 0.0 if self._since is None else min(self.longest, self._now() - self._since)
