"""How long sending an event holds the loop up at a time, its capture not counted.

Only work on the loop's own thread is seen. That another thread has the interpreter is seen in the lag of a beat.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from cases.arrival import count, has_arrived
from cases.case import Case, Figures, Setting
from cases.paced import WARM_UP, microseconds, worst
from sdks import Adapter
from slicing import SlicedLoop
from workloads import WORKLOADS, Make, caught

BACKLOG_PATIENCE: Final = 60.0

TEXTS: Final = 100

LINKS: Final = 60
"""So many deep errors in one are more than the megabyte that a server takes, before any of it is left out."""
MOST_LARGE: Final = 10
"""Calls: some SDKs take a second for each."""

GOES_ON: Final = 0.02
"""Seconds for which the program does something else before it asks whether the event has been sent."""


def fail_with_texts(number: int) -> None:
    """With a hundred texts of a thousand characters in its variables, which no event before had."""
    texts = [f'{{"order": {number + index}, "note": "kept for the customer"}} ' * 20 for index in range(TEXTS)]
    pages = [texts[start : start + 10] for start in range(0, TEXTS, 10)]
    raise ValueError(f"{len(pages)} pages, from {number} on")


def chain_of_deep() -> Exception:
    """A deep error that came from another, and so on."""
    error = WORKLOADS["deep"]()
    for _ in range(LINKS - 1):
        cause, error = error, WORKLOADS["deep"]()
        error.__cause__ = cause
    return error


async def longest(sdk: Adapter, make: Make, events: int = 1) -> int:
    """The longest slice until they are sent, in nanoseconds."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SlicedLoop)
    for _ in range(events):
        sdk.capture(make())
    loop.watching.restart()
    await asyncio.sleep(GOES_ON)
    await sdk.drain(BACKLOG_PATIENCE)
    await asyncio.sleep(0)  # into the next slice
    return max(loop.watching.slices)


async def measure(setting: Setting) -> Figures:
    sdk = setting.begin("roomy")
    backlog = setting.amount(200, 20)
    before = count(setting)
    figures: Figures = {}
    for workload in ("mid", "deep"):
        make = WORKLOADS[workload]
        for _ in range(WARM_UP):
            await longest(sdk, make)
        slices = [await longest(sdk, make) for _ in range(setting.calls)]
        figures |= {workload: microseconds(slices), f"{workload} p99": worst(slices)}
    slices = [await longest(sdk, partial(caught, partial(fail_with_texts, n * TEXTS))) for n in range(setting.calls)]
    figures["texts"] = microseconds(slices)
    large = min(setting.calls, MOST_LARGE)
    await longest(sdk, chain_of_deep)
    figures["large p99"] = worst([await longest(sdk, chain_of_deep) for _ in range(large)])
    figures["backlog"] = await longest(sdk, WORKLOADS["mid"], backlog) / 1000
    has_arrived(setting, before, 2 * (WARM_UP + setting.calls) + setting.calls + 1 + large + backlog)
    return figures


SLICES: Final = {
    "slices": Case(
        "the longest that sending an event holds the loop up: mid, deep, with 100 kB of texts, of more than 1 MB; and "
        "of 200 that wait",
        measure,
        ("mid", "mid p99", "deep", "deep p99", "texts", "large p99", "backlog"),
        loop=SlicedLoop,
    )
}
