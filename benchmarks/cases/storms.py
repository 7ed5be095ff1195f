"""Two thousand errors at once: how long the loop stands still, and what becomes of them."""

from __future__ import annotations

import asyncio
from typing import Final

from cases.arrival import count
from cases.beating import Beating
from cases.case import Case, Figures, Setting
from sdks import Mode
from workloads import WORKLOADS

COLUMNS: Final = ("stall", "all sent", "arrived %", "counted %")
PATIENCE: Final = 120.0
"""Seconds for all to be sent."""


def storm(mode: Mode, told: str) -> Case:
    async def measure(setting: Setting) -> Figures:
        sdk = setting.begin(mode)
        errors = setting.amount(2000, 100)
        make = WORKLOADS["mid"]

        async def fail() -> None:
            sdk.capture(make())

        await fail()  # connections and threads are begun, sources read
        await sdk.drain()
        before = count(setting)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with Beating() as pulse:
            await asyncio.gather(*(fail() for _ in range(errors)))
            await sdk.drain(PATIENCE)
        seconds = loop.time() - begun
        arrived = count(setting) - before
        figures = {"stall": pulse.longest, "all sent": 1000 * seconds, "arrived %": 100 * arrived / errors}
        return figures | ({"counted %": 100 * sdk.counted() / errors} if sdk.counted else {})

    return Case(f"2,000 errors at once, mid: {told}", measure, COLUMNS, unit="ms, and shares", bare=True)


STORMS: Final = {
    "storm": storm("default", "the longest stall of the loop, with each SDK's defaults"),
    "storm-roomy": storm("roomy", "the longest stall of the loop, with room for all of them"),
}
