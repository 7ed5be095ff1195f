"""Prints, as JSON, the megabytes in use: at the start, with the SDK set up, and after its first event.

``python -m programs.weighing SDK URL``. Loaded at the start is what an asyncio program has anyway, and the little that
the benchmark needs. Libraries that an SDK would load only because they are installed here are hidden from it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys

import residence
from sdks import SDKS, load
from workloads import WORKLOADS, OrderError

FOREIGN = {"aiohttp", "flask", "httpcore", "starlette"}


async def main() -> None:
    name, url = sys.argv[1:]
    for library in FOREIGN.difference(SDKS[name].distributions):
        sys.modules[library] = None  # type: ignore[assignment]  # so that its import fails
    figures = [residence.now()]
    sdk = load(name)
    sdk.init(url, "on", OrderError)
    figures.append(residence.now())
    sdk.capture(WORKLOADS["mid"]())
    await sdk.drain()
    figures.append(residence.now())
    print(json.dumps(figures))


if __name__ == "__main__":
    logging.getLogger().addHandler(logging.NullHandler())
    asyncio.run(main())
