"""A style of concurrency, and how a test drives a transport in it: as the core does, by turns.

A scenario is written once, as a coroutine function. In a blocking style nothing that it awaits ever suspends.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any, Protocol, TypeAlias

from asyncsentry.testing import LocalSentry
from asyncsentry.testing.habitats import Habitat
from asyncsentry.transport.protocol import NoResponse, Request, Response, Transport
from asyncsentry.transport.settings import Settings
from testing.client import AUTH, event_envelope

# Any: what waiting gives differs between the styles, and the style's place alone looks at it.
AnyTransport: TypeAlias = Transport[Any]
Scenario: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
Threads: TypeAlias = Callable[[], list[Thread]]

PATIENCE = 20.0
"""Seconds after which what still waits has found a bug."""


class Place(Protocol):
    """Where a style's scenarios run: its loop, hub or reactor, in this thread."""

    def run(self, coroutine: Coroutine[Any, Any, None], /) -> None:
        """Run a scenario from beginning to end."""
        ...

    async def until(self, future: Future[None], timeout: float, /) -> None:
        """Wait in the style's own way, but without the transport's help; what is done is done in any thread."""
        ...

    async def aside(self, function: Callable[[], object], /) -> None:
        """Call what blocks, while the style's loop goes on."""
        ...

    async def pause(self, seconds: float, /) -> None:
        """Let the style's loop do something else, for so long at least."""
        ...

    async def given(self, waiting: Any, /) -> bool:
        """What a transport's ``wait`` or ``close`` comes to."""
        ...

    def others(self) -> list[object]:
        """What runs here beside the scenario: tasks, greenlets."""
        ...


@dataclass(frozen=True)
class Style:
    """One transport in the place that it is made for; what a library's nature forbids is said by a field."""

    name: str
    make: Callable[[Settings], AnyTransport]
    place: Place
    habitat: Callable[[], Habitat]
    on_loop: bool = True
    """Whether something goes on here while a scenario waits."""
    in_place: bool = False
    """Whether turns run before `later` returns; there are no timers then."""
    deaf: bool = False
    """Whether the library takes what comes on an idle connection for the next answer."""
    hoards: bool = False
    """Whether the library takes what came together with an answer for the next one."""
    keeps_connections: bool = True
    """Whether the next request goes over the same connection; some libraries open one for each."""
    knows_proxies: bool = True
    """Whether the library can send through a proxy; if not, a transport for one cannot be made."""
    takes_contexts: bool = True
    """Whether the library can use an `ssl_context`; if not, a transport for one cannot be made."""

    def run(self, scenario: Scenario) -> None:
        self.place.run(scenario())

    async def until(self, future: Future[None], timeout: float = PATIENCE) -> None:
        await self.place.until(future, timeout)

    async def see(self, server: LocalSentry, predicate: Callable[[], object]) -> None:
        """Wait until the server has got what it should."""
        await self.place.aside(lambda: server.wait_for(predicate, PATIENCE))

    async def pass_on(self) -> None:
        """Let the loop do something else."""
        await self.place.pause(0)

    async def wait(self, transport: AnyTransport, idle: Future[None], timeout: float) -> bool:
        return await self.place.given(transport.wait(idle, timeout))

    async def close(self, transport: AnyTransport, idle: Future[None], timeout: float) -> bool:
        return await self.place.given(transport.close(idle, timeout))

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


def done() -> Future[None]:
    """A latch that is open already."""
    future: Future[None] = Future()
    future.set_result(None)
    return future
