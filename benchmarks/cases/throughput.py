"""How fast errors go out, from the first capture to the last answer, when the server is near or far."""

from __future__ import annotations

import asyncio
from typing import Final

import residence
from cases.arrival import count
from cases.case import Case, Figures, Setting
from workloads import WORKLOADS

COLUMNS: Final = ("events/s", "captured s", "all s", "lost %", "RSS +MB")
PATIENCE: Final = 240.0
"""Seconds for all to be sent."""


async def measure(setting: Setting, errors: int) -> Figures:
    """One error after another, the loop free in between. An event is counted as sent when it has arrived."""
    sdk = setting.begin("roomy")
    make = WORKLOADS["mid"]
    sdk.capture(make())
    await sdk.drain()
    before, memory = count(setting), residence.now()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for _ in range(errors):
        sdk.capture(make())
        await asyncio.sleep(0)
    captured = loop.time() - begun
    await sdk.drain(PATIENCE)
    seconds = loop.time() - begun
    arrived = count(setting) - before
    figures = {
        "events/s": arrived / seconds,
        "captured s": captured,
        "all s": seconds,
        "lost %": 100 * (errors - arrived) / errors,
    }
    growth = residence.grown(memory, residence.peak())
    return figures if growth is None else figures | {"RSS +MB": growth}


def case(milliseconds: int, errors: int) -> Case:
    """The server answers after so long. Fewer errors when it is far, as some SDKs have one under way at a time."""

    async def run(setting: Setting) -> Figures:
        return await measure(setting, setting.amount(errors, 50))

    return Case(
        f"{errors:,} errors, mid, until the last is answered, each after {milliseconds} ms",
        run,
        COLUMNS,
        unit="in each second; more is better",
        more_is_better=True,
        sink=("--latency", str(milliseconds / 1000)),
    )


THROUGHPUT: Final = {f"throughput-{far}": case(far, errors) for far, errors in ((0, 2000), (20, 1000), (50, 500))}
