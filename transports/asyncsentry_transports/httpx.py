"""Sending with httpx, for programs that have it already: one pool of connections on each loop.

Over HTTP/2 where the package `h2` is installed and the server speaks it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import Future
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import httpx

from asyncsentry.transport.protocol import Request, Response, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._flight import Flight
from asyncsentry_transports._httpx_pool import Pool, Try
from asyncsentry_transports._loops import Loops, tls_context
from asyncsentry_transports._tasks import Tasks

if TYPE_CHECKING:
    from ssl import SSLContext

_HTTP2 = find_spec("h2") is not None

for _late in ("httpcore", "anyio._backends._asyncio", "h2.connection" if _HTTP2 else "h11"):
    # What httpx loads at its first request, which would hold the loop for some 70 ms: here a set-up pays for it.
    with suppress(ImportError):
        import_module(_late)


class HttpxTransport:
    """Runs turns and sends on the loops that capture."""

    def __init__(self, settings: Settings, *, http2: bool = _HTTP2) -> None:
        """``http2``: whether to speak HTTP/2 with a server that can; by default, where the package `h2` is installed.

        An `ssl_context` of the user's offers HTTP/1.1 alone, as it would with any other transport.
        """
        tls = TlsContext(settings)
        http2 = http2 and settings.ssl_context is None
        self._loops = Loops(lambda loop: _Sender(loop, settings, tls, http2), settings)

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


class _Sender:
    """What the transport is on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: Settings, tls: TlsContext, http2: bool) -> None:
        self._loop = loop
        self._settings = settings
        self._tls = tls
        self._http2 = http2
        self._tasks = Tasks(loop)
        self._pool: Pool | None = None

    def send(self, request: Request, flight: Flight, /) -> None:
        self._tasks.start(self._post(request, flight), flight)

    async def close(self) -> None:
        await self._tasks.end()
        if self._pool is not None:
            await self._pool.close()

    async def _post(self, request: Request, flight: Flight) -> Response:
        deadline = self._loop.time() + self._settings.timeout
        context = await tls_context(self._tls) if request.url.startswith("https:") else None
        go = Try(flight)
        try:
            try:
                return await self._open(context).exchange(request, go, deadline)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if go.fresh:
                    raise
            # The server had closed the connection while it was idle.
            return await self._open(context).exchange(request, Try(flight), deadline)
        except httpx.TransportError as error:
            raise _reason(error) from None

    def _open(self, context: SSLContext | None) -> Pool:
        if self._pool is None or self._pool.failed:
            self._pool = Pool(self._settings, context, http2=self._http2)
        return self._pool


def _reason(error: httpx.TransportError) -> BaseException:
    """What the system said, beneath what three libraries made of it, who often do not repeat it."""
    reason: BaseException = error
    inner = error.__cause__ or error.__context__
    while inner is not None:
        reason = inner if isinstance(inner, OSError) else reason
        inner = inner.__cause__ or inner.__context__
    return reason
