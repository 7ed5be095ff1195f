"""Two hundred errors a second for some seconds: how late a beat of 1 ms comes, and the processor's time for each."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from cases.arrival import count, has_arrived
from cases.beating import Beating
from cases.case import Case, Figures, Setting
from sdks import NONE
from workloads import WORKLOADS

RATE: Final = 200
PATIENCE: Final = 120.0
"""Seconds for what is left in the end."""


def steady(workload: str) -> Case:
    async def measure(setting: Setting) -> Figures:
        sdk = setting.begin("roomy")
        errors = round(RATE * setting.amount(5, 1))
        make = WORKLOADS[workload]
        sdk.capture(make())
        await sdk.drain()
        before = count(setting)
        loop = asyncio.get_running_loop()
        async with Beating() as pulse:
            cpu = time.process_time()
            due = loop.time()
            for _ in range(errors):
                sdk.capture(make())
                due += 1 / RATE
                await asyncio.sleep(due - loop.time())
            cpu = time.process_time() - cpu
        late = loop.time() - due
        await sdk.drain(PATIENCE)
        if setting.name != NONE:
            has_arrived(setting, before, errors)
        return {"p99": pulse.p99, "longest": pulse.longest, "CPU/error": 1000 * cpu / errors, "behind": 1000 * late}

    told = f"{RATE} errors a second, {workload}: how late a beat of 1 ms comes"
    columns = ("p99", "longest", "CPU/error", "behind")
    return Case(told, measure, columns, unit="ms; behind: by which the last error came too late", bare=True)


STEADY: Final = {f"steady-{workload}": steady(workload) for workload in ("mid", "deep")}
