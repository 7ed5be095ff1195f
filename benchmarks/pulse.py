"""A beat of 1 ms that notes how late it comes: what holds a loop up is seen there."""

from __future__ import annotations

import time
from statistics import quantiles
from typing import Final

BEAT: Final = 0.001
"""Seconds."""


class Pulse:
    """Called at each beat; sleeping in between is the caller's part, as each loop has its own way to sleep."""

    def __init__(self) -> None:
        self._last: float | None = None
        self.lags: list[float] = []
        """Seconds by which a beat came later than a millisecond after the last."""

    def __call__(self) -> None:
        now = time.perf_counter()
        if self._last is not None:
            self.lags.append(max(0.0, now - self._last - BEAT))
        self._last = now

    def restart(self) -> None:
        """Take this for the time of the last beat: what the beater itself has done since is no lag."""
        self._last = time.perf_counter()

    @property
    def p99(self) -> float:
        """The 99th percentile, in milliseconds."""
        return 1000 * quantiles(self.lags, n=100, method="inclusive")[-1]

    @property
    def longest(self) -> float:
        """Milliseconds."""
        return 1000 * max(self.lags)
