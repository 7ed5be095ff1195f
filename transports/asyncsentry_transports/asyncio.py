"""Sending on the asyncio loop, with the standard library alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import Future
from typing import Any

from asyncsentry.transport.http1 import AnswerReader, post_head
from asyncsentry.transport.protocol import Request, Response, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._connection import Connection, connect
from asyncsentry_transports._flight import Flight
from asyncsentry_transports._loops import Loops

_PATIENCE = 1.0
"""Seconds for connections that were aborted to be gone."""


class AsyncioTransport:
    """Runs turns and sends on the loops that capture; asyncio's own and uvloop."""

    def __init__(self, settings: Settings) -> None:
        tls = TlsContext(settings)
        self._loops = Loops(lambda loop: _Pool(loop, settings, tls), settings)

    def later(self, delay: float, turn: Turn, /) -> bool:
        """Run the turn on this thread's loop, or on one that has captured before; False where there is none."""
        return self._loops.later(delay, turn)

    def send(self, request: Request, settle: Settle, /) -> None:
        """Send on the turn's loop."""
        self._loops.send(request, settle)

    def wait(self, idle: Future[None], timeout: float, /) -> Awaitable[bool]:
        """Wait on whatever loop it is awaited."""
        return self._loops.wait(idle, timeout)

    def close(self, idle: Future[None], timeout: float, /) -> Awaitable[bool]:
        """Wait, then end on every loop."""
        return self._loops.close(idle, timeout)


class _Pool:
    """The connections on one loop: those in use, and those kept for the next request."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: Settings, tls: TlsContext) -> None:
        self.loop = loop
        self.settings = settings
        self._tls = tls
        self._connections: set[Connection] = set()
        self._idle: list[Connection] = []
        self._connecting: set[asyncio.Task[Connection]] = set()

    def send(self, request: Request, flight: Flight, /) -> None:
        _Sending(self, request, flight).begin()

    def take(self) -> Connection | None:
        """A kept connection that is still open as far as we know."""
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                return connection
        return None

    def give_back(self, connection: Connection) -> None:
        """Keep the connection, or close it."""
        self._idle = [kept for kept in self._idle if kept.reusable]
        if connection.reusable and len(self._idle) < self.settings.max_in_flight:
            self._idle.append(connection)
        else:
            connection.abort()

    def connect(self) -> asyncio.Task[Connection]:
        task = self.loop.create_task(self._connect(), name="asyncsentry-connect")
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return task

    async def close(self) -> None:
        """Close everything. The flights are settled already."""
        ending: set[asyncio.Future[Any]] = {*self._connecting, *(connection.closed for connection in self._connections)}
        for task in self._connecting:
            task.cancel()
        for connection in self._connections:
            connection.abort()
        if ending:
            await asyncio.wait(ending, timeout=_PATIENCE)

    async def _connect(self) -> Connection:
        connection = await connect(self.settings, self._tls)
        self._connections.add(connection)
        connection.closed.add_done_callback(lambda _: self._connections.discard(connection))
        return connection


class _Sending:
    """One request on its way: a connection, an exchange, and one more of each if the kept connection was stale."""

    def __init__(self, pool: _Pool, request: Request, flight: Flight) -> None:
        self._pool = pool
        self._flight = flight
        self._message = post_head(request, pool.settings.proxy) + request.body
        self._reader = AnswerReader()
        self._fresh = False
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None
        self._timer = pool.loop.call_later(pool.settings.timeout, self._time_out)

    def begin(self) -> None:
        connection = self._pool.take()
        if connection is None:
            self._connect()
        else:
            self._exchange(connection)

    def _connect(self) -> None:
        self._fresh, self._connection = True, None
        self._connecting = self._pool.connect()
        # From a callback: a task that is cancelled before its first step never enters its own `try`.
        self._connecting.add_done_callback(self._connected)

    def _connected(self, task: asyncio.Task[Connection]) -> None:
        if task.cancelled():
            self._timer.cancel()
            self._flight.cancel("the connecting task was cancelled")
        elif (error := task.exception()) is not None:
            self._timer.cancel()
            self._flight.fail(error)
        elif self._flight.settled:  # in the same step of the loop
            self._timer.cancel()
            task.result().abort()
        else:
            self._exchange(task.result())

    def _exchange(self, connection: Connection) -> None:
        self._flight.sent = True
        self._connection = connection
        connection.exchange(self._message, self._reader, self._answered)

    def _answered(self, outcome: Response | Exception) -> None:
        assert self._connection is not None
        self._pool.give_back(self._connection)
        if isinstance(outcome, Response):
            self._timer.cancel()
            self._flight.settle(outcome)
        elif self._fresh or self._reader.started or self._flight.settled or isinstance(outcome, TimeoutError):
            self._timer.cancel()
            self._flight.fail(outcome)
        else:
            self._connect()  # the server had closed it while it was idle

    def _time_out(self) -> None:
        reason = TimeoutError("no answer in time")
        if self._connection is not None:
            self._connection.give_up(reason)
        elif self._connecting is not None:
            self._flight.fail(reason)
            self._connecting.cancel()
