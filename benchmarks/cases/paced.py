"""One call at a time, with everything sent before the next: what a call costs a program that is not in trouble.

An error is made afresh for each call, as SDKs skip one that they have seen. Wall time is taken closely around the one
call; the thread's processor time around that, to show what was waiting or another process's doing. The whole cost is
the processor time of the process, all threads together, from the call until everything is sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final, Generic, TypeVar

from cases.case import Figures

Subject = TypeVar("Subject")

WARM_UP: Final = 5
"""Calls that are not counted: connections and threads are begun, sources read."""
COOLING: Final = 8 * 1024 * 1024
"""Bytes of other work between two calls, which leave nothing of the SDK in the processor's caches."""
NANOSECONDS: Final = 1000.0
"""In a microsecond."""


@dataclass(frozen=True)
class Sample:
    """One call, in nanoseconds."""

    wall: int
    thread: int
    whole: int


@dataclass(frozen=True)
class Paced(Generic[Subject]):
    """How to measure one kind of call."""

    make: Callable[[], Subject]
    """Gives what the call is about; not measured."""
    call: Callable[[Subject], object]
    drain: Callable[[], object]
    """Gives an awaitable."""

    async def run(self, calls: int, *, between: Callable[[], object] = lambda: None) -> list[Sample]:
        return [await self._once(between) for _ in range(calls)]

    async def _once(self, between: Callable[[], object]) -> Sample:
        subject, call = self.make(), self.call
        between()
        whole = time.process_time_ns()
        thread = time.thread_time_ns()
        begun = time.perf_counter_ns()
        call(subject)
        ended = time.perf_counter_ns()
        thread = time.thread_time_ns() - thread
        await self.drain()  # type: ignore[misc]  # an awaitable of any kind
        return Sample(ended - begun, thread, time.process_time_ns() - whole)


async def nothing() -> None:
    """The drain of calls that send nothing."""


class Cooler:
    """Reads and writes so much that the caches hold nothing else."""

    def __init__(self) -> None:
        self._from = bytearray(COOLING)
        self._to = bytearray(COOLING)

    def __call__(self) -> None:
        self._to[:] = self._from


def microseconds(nanoseconds: list[int]) -> float:
    """Their median."""
    return median(nanoseconds) / NANOSECONDS


def worst(nanoseconds: list[int]) -> float:
    """Their 99th percentile; of fewer than a hundred the largest."""
    if len(nanoseconds) < 100:
        return max(nanoseconds) / NANOSECONDS
    return quantiles(nanoseconds, n=100)[-1] / NANOSECONDS


def figures(warm: list[Sample], cool: list[Sample]) -> Figures:
    return {
        "warm": microseconds([sample.wall for sample in warm]),
        "warm p99": worst([sample.wall for sample in warm]),
        "cool": microseconds([sample.wall for sample in cool]),
        "thread CPU": microseconds([sample.thread for sample in warm]),
        "whole CPU": microseconds([sample.whole for sample in warm]),
    }


COLUMNS: Final = ("warm", "warm p99", "cool", "thread CPU", "whole CPU")
