"""A program that captures errors and ends: ``python -m programs.failing SDK URL BEFORE ERRORS SECONDS``.

It captures ``mid`` BEFORE times, prints what that cost, as JSON, when all is sent, and waits for a line of input. Then
it goes on until there are ERRORS more, or SECONDS have passed, prints what those cost, and ends; last of all, when the
SDK's own end is over, it prints how many the SDK knows to be lost.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import sys
import time
from typing import Any, Final

import residence
from sdks import Adapter, load
from workloads import WORKLOADS, OrderError

WARM_UP: Final = 5
"""Errors that are not told of: connections and threads are begun, sources read."""

adapter: Adapter | None = None


@atexit.register  # before the SDK is imported, so it is called after the SDK's own end
def tell_losses() -> None:
    if adapter is not None and adapter.counted is not None:
        print(json.dumps({"counted": adapter.counted()}), flush=True)


async def capture(sdk: Adapter, errors: int, seconds: float) -> dict[str, Any]:
    """Nanoseconds that they cost, and how many megabytes more were in use."""
    make = WORKLOADS["mid"]
    before = residence.now()
    captured = cost = 0
    end = time.monotonic() + seconds
    while captured < errors and time.monotonic() < end:
        error = make()
        begun = time.perf_counter_ns()
        sdk.capture(error)
        cost += time.perf_counter_ns() - begun
        captured += 1
        await asyncio.sleep(0)
    return {"captured": captured, "cost": cost, "grown": residence.grown(before, residence.peak())}


async def main() -> None:
    global adapter  # for the end of the program
    name, url, before, errors, seconds = sys.argv[1:]
    adapter = load(name)
    adapter.init(url, "on", OrderError)
    await capture(adapter, WARM_UP, float(seconds))
    await adapter.drain()
    told = await capture(adapter, int(before), float(seconds))
    await adapter.drain()
    print(json.dumps(told), flush=True)
    sys.stdin.readline()
    print(json.dumps(await capture(adapter, int(errors), float(seconds))), flush=True)


if __name__ == "__main__":
    logging.getLogger().addHandler(logging.NullHandler())
    asyncio.run(main())
