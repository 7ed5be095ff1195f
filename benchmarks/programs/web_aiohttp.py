"""A web server on aiohttp whose errors are captured: ``python -m programs.web_aiohttp SDK URL`` prints its port.

``/hello`` answers, ``/fail`` raises an error like ``shallow``, ``/spent`` answers when all is sent, with the processor
time of the process so far, in nanoseconds. What an SDK lacks that does not look after aiohttp by itself is the barest
middleware.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from programs.watching import watched_by_itself
from sdks import NONE, Adapter, load
from workloads import OrderError, take_order

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def capturing(sdk: Adapter) -> Any:  # aiohttp's type for it is not in all of its releases
    @web.middleware
    async def capture(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception as error:
            sdk.capture(error)
            raise

    return capture


async def hello(request: web.Request) -> web.Response:  # noqa: ARG001  # aiohttp passes it
    return web.Response(text="hello")


async def fail(request: web.Request) -> web.Response:  # noqa: ARG001  # aiohttp passes it
    take_order()
    raise AssertionError("nothing was raised")


async def serve(name: str, url: str) -> None:
    sdk = load(name)
    sdk.init(url, "on", OrderError)

    async def spent(request: web.Request) -> web.Response:  # noqa: ARG001  # aiohttp passes it
        await sdk.drain()
        return web.Response(text=str(time.process_time_ns()))

    app = web.Application()
    if name != NONE and not watched_by_itself(name, "aiohttp", app):
        app.middlewares.append(capturing(sdk))
    app.add_routes([web.get("/hello", hello), web.get("/fail", fail), web.get("/spent", spent)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.getLogger().addHandler(logging.NullHandler())
    asyncio.run(serve(*sys.argv[1:]))
