"""A program that captures errors and ends: ``python -m programs.failing SDK URL ERRORS SECONDS``.

It captures ``mid`` until there are ERRORS, or SECONDS have passed. Then it prints what that cost, as JSON, and ends;
last of all, when the SDK's own end is over, it prints how many the SDK knows to be lost.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import sys
import time
from typing import Any

import residence
from sdks import Adapter, load
from workloads import WORKLOADS, OrderError

adapter: Adapter | None = None


@atexit.register  # before the SDK is imported, so it is called after the SDK's own end
def tell_losses() -> None:
    if adapter is not None and adapter.counted is not None:
        print(json.dumps({"counted": adapter.counted()}), flush=True)


async def capture(sdk: Adapter, url: str, errors: int, seconds: float) -> dict[str, Any]:
    sdk.init(url, "on", OrderError)
    make = WORKLOADS["mid"]
    sdk.capture(make())
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
    name, url, errors, seconds = sys.argv[1:]
    adapter = load(name)
    print(json.dumps(await capture(adapter, url, int(errors), float(seconds))), flush=True)


if __name__ == "__main__":
    logging.getLogger().addHandler(logging.NullHandler())
    asyncio.run(main())
