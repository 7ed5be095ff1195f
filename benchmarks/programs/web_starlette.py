"""The same as ``web_aiohttp``, on Starlette and uvicorn: ``python -m programs.web_starlette SDK URL``.

An SDK that does not look after Starlette by itself is told of errors by the barest middleware.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from typing import Any

from programs.watching import watched_by_itself
from sdks import NONE, Adapter, load
from workloads import OrderError, take_order

Application = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

applications: Any = import_module("starlette.applications")
responses: Any = import_module("starlette.responses")
routing: Any = import_module("starlette.routing")
uvicorn: Any = import_module("uvicorn")


def capturing(sdk: Adapter, app: Application) -> Application:
    async def capture(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        try:
            await app(scope, receive, send)
        except Exception as error:
            sdk.capture(error)
            raise

    return capture


async def hello(_: object) -> Any:
    return responses.PlainTextResponse("hello")


async def fail(_: object) -> Any:
    take_order()
    raise AssertionError("nothing was raised")


async def serve(name: str, url: str) -> None:
    sdk = load(name)
    sdk.init(url, "on", OrderError)

    async def spent(_: object) -> Any:
        await sdk.drain()
        return responses.PlainTextResponse(str(time.process_time_ns()))

    routes = [routing.Route(f"/{endpoint.__name__}", endpoint) for endpoint in (hello, fail, spent)]
    app: Any = applications.Starlette(routes=routes)
    if name != NONE and not watched_by_itself(name, "starlette", app):
        app = capturing(sdk, app)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, http="h11"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await serving


if __name__ == "__main__":
    logging.getLogger().addHandler(logging.NullHandler())
    asyncio.run(serve(*sys.argv[1:]))
