"""Styles that live on asyncio's loops, and on loops of its kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

from asyncsentry.testing.habitats import AsyncioLoop
from asyncsentry_transports.asyncio import AsyncioTransport
from asyncsentry_transports.auto import AutoTransport
from transports.style import Style

Runner: TypeAlias = Callable[[Coroutine[Any, Any, None]], None]


class Loop:
    """A loop for each scenario."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def run(self, coroutine: Coroutine[Any, Any, None], /) -> None:
        self._run(coroutine)

    async def until(self, future: Future[None], timeout: float, /) -> None:
        await asyncio.wait_for(asyncio.wrap_future(future), timeout)

    async def aside(self, function: Callable[[], object], /) -> None:
        await asyncio.get_running_loop().run_in_executor(None, function)

    async def pause(self, seconds: float, /) -> None:
        await asyncio.sleep(seconds)

    async def given(self, waiting: Any, /) -> bool:
        return bool(await waiting)

    def others(self) -> list[object]:
        return list(asyncio.all_tasks() - {asyncio.current_task()})


def _on_asyncio(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine, debug=False)


def _on_asyncio_debugging(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine, debug=True)


def _run_on_uvloop(coroutine: Coroutine[Any, Any, None]) -> None:
    import_module("uvloop").run(coroutine)


ON_ASYNCIO = Loop(_on_asyncio)
ON_ASYNCIO_DEBUGGING = Loop(_on_asyncio_debugging)
ON_UVLOOP = Loop(_run_on_uvloop)
UVLOOP_HABITAT = partial(AsyncioLoop, _run_on_uvloop)


def _styles() -> list[Style]:
    """Those whose libraries are installed."""
    styles = [
        Style("auto", AutoTransport, ON_ASYNCIO, AsyncioLoop),
        Style("asyncio", AsyncioTransport, ON_ASYNCIO, AsyncioLoop),
        Style("asyncio-debug", AsyncioTransport, ON_ASYNCIO_DEBUGGING, AsyncioLoop),
    ]
    uvloop, aiohttp = find_spec("uvloop"), find_spec("aiohttp")
    if uvloop:
        styles.append(Style("asyncio-uvloop", AsyncioTransport, ON_UVLOOP, UVLOOP_HABITAT))
    if aiohttp:
        make = import_module("asyncsentry_transports.aiohttp").AiohttpTransport
        styles.append(Style("aiohttp", make, ON_ASYNCIO, AsyncioLoop, deaf=True))
        styles.extend([Style("aiohttp-uvloop", make, ON_UVLOOP, UVLOOP_HABITAT, deaf=True)] if uvloop else [])
    if find_spec("httpx"):
        make = import_module("asyncsentry_transports.httpx").HttpxTransport
        styles.append(Style("httpx", make, ON_ASYNCIO, AsyncioLoop, hoards=True))
        styles.append(Style("httpx-http1", partial(make, http2=False), ON_ASYNCIO, AsyncioLoop, hoards=True))
        styles.extend([Style("httpx-uvloop", make, ON_UVLOOP, UVLOOP_HABITAT, hoards=True)] if uvloop else [])
    if find_spec("tornado"):
        make = import_module("asyncsentry_transports.tornado").TornadoTransport
        curl = find_spec("pycurl") is not None
        simple = Style("tornado", make, ON_ASYNCIO, AsyncioLoop, keeps_connections=False, knows_proxies=curl)
        on_curl = Style(
            "tornado-curl", partial(make, curl=True), ON_ASYNCIO, AsyncioLoop, deaf=True, takes_contexts=False
        )
        styles.extend([simple, on_curl] if curl else [simple])
    return styles


STYLES = _styles()
