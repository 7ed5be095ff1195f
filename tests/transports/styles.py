"""The styles of concurrency, and how a test drives a transport in each: as the core does, by turns.

A scenario is written once, as a coroutine function. In a blocking style nothing that it awaits ever suspends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

from asyncsentry.testing import LocalSentry
from asyncsentry.transport.protocol import NoResponse, Request, Response, Transport
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.asyncio import AsyncioTransport
from asyncsentry_transports.auto import AutoTransport
from asyncsentry_transports.threaded import ThreadedTransport
from asyncsentry_transports.urllib import UrllibTransport
from testing.client import AUTH, event_envelope

# Any: what waiting gives differs between the styles, and `Style` alone looks at it.
AnyTransport: TypeAlias = Transport[Any]
Scenario: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
Runner: TypeAlias = Callable[[Coroutine[Any, Any, None]], None]

PATIENCE = 20.0
"""Seconds after which what still waits has found a bug."""


@dataclass(frozen=True)
class Style:
    """One transport in the surroundings that it is made for."""

    name: str
    make: Callable[[Settings], AnyTransport]
    run_coroutine: Runner
    on_loop: bool = True
    has_timers: bool = True

    def run(self, scenario: Scenario) -> None:
        self.run_coroutine(scenario())

    async def until(self, future: Future[None], timeout: float = PATIENCE) -> None:
        """Wait in the style's own way, but without the transport's help."""
        if self.on_loop:
            await asyncio.wait_for(asyncio.wrap_future(future), timeout)
        else:
            future.result(timeout)

    async def see(self, server: LocalSentry, predicate: Callable[[], object]) -> None:
        """Wait until the server has got what it should."""
        if self.on_loop:
            await asyncio.get_running_loop().run_in_executor(None, server.wait_for, predicate, PATIENCE)
        else:
            server.wait_for(predicate, PATIENCE)

    async def pass_on(self) -> None:
        """Let the loop do something else."""
        if self.on_loop:
            await asyncio.sleep(0)

    async def wait(self, transport: AnyTransport, idle: Future[None], timeout: float) -> bool:
        return await self._given(transport.wait(idle, timeout))

    async def close(self, transport: AnyTransport, idle: Future[None], timeout: float) -> bool:
        return await self._given(transport.close(idle, timeout))

    async def _given(self, waiting: Any) -> bool:
        if self.on_loop:
            return bool(await waiting)
        return waiting if isinstance(waiting, bool) else asyncio.run(_wait_for(waiting))

    @asynccontextmanager
    async def transport(self, settings: Settings) -> AsyncIterator[AnyTransport]:
        """A transport, closed in the end."""
        transport = self.make(settings)
        try:
            yield transport
        finally:
            await self.close(transport, done(), 0.0)

    async def deliver(self, transport: AnyTransport, *requests: Request) -> list[Response | NoResponse]:
        """Send them one after the other; what became of each."""
        traffic = Traffic(transport, requests)
        assert transport.later(0.0, traffic.turn)
        await self.until(traffic.settled)
        return traffic.outcomes


class Traffic:
    """Requests for a transport: each turn sends one, and the next turn comes when it is settled (or, `eager`, sent)."""

    def __init__(self, transport: AnyTransport, requests: Sequence[Request], *, eager: bool = False) -> None:
        self.outcomes: list[Response | NoResponse] = []
        self.settled: Future[None] = Future()
        self._transport = transport
        self._left = list(requests)
        self._expected = len(requests)
        self._eager = eager

    def turn(self) -> None:
        request = self._left.pop(0)
        self._transport.send(request, self._settle)
        if self._eager:
            self._arm()

    def _settle(self, outcome: Response | NoResponse) -> None:
        self.outcomes.append(outcome)
        if not self._eager:
            self._arm()
        if len(self.outcomes) == self._expected:
            self.settled.set_result(None)

    def _arm(self) -> None:
        if self._left:
            self._transport.later(0.0, self.turn)


def event_request(server: LocalSentry, message: str = "hi") -> Request:
    return Request(server.url, AUTH, event_envelope(message))


async def _wait_for(waiting: Awaitable[bool]) -> bool:
    return await waiting


def done() -> Future[None]:
    """A latch that is open already."""
    future: Future[None] = Future()
    future.set_result(None)
    return future


def at_once(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise AssertionError("a blocking style suspended")


def on_asyncio(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine, debug=False)


def on_asyncio_debugging(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine, debug=True)


def on_uvloop(coroutine: Coroutine[Any, Any, None]) -> None:
    import_module("uvloop").run(coroutine)


def _styles() -> list[Style]:
    """Every style whose libraries are installed."""
    styles = [
        Style("urllib", UrllibTransport, at_once, on_loop=False, has_timers=False),
        Style("threaded", ThreadedTransport, at_once, on_loop=False),
        Style("auto", AutoTransport, on_asyncio),
        Style("auto-without-a-loop", AutoTransport, at_once, on_loop=False),
        Style("asyncio", AsyncioTransport, on_asyncio),
        Style("asyncio-debug", AsyncioTransport, on_asyncio_debugging),
    ]
    uvloop, aiohttp = find_spec("uvloop"), find_spec("aiohttp")
    if uvloop:
        styles.append(Style("asyncio-uvloop", AsyncioTransport, on_uvloop))
    if aiohttp:
        make = import_module("asyncsentry_transports.aiohttp").AiohttpTransport
        styles.append(Style("aiohttp", make, on_asyncio))
        styles.extend([Style("aiohttp-uvloop", make, on_uvloop)] if uvloop else [])
    return styles


STYLES = _styles()
