"""Sending with aiohttp, for programs that have it already: one session on each loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import Future
from io import BytesIO
from types import SimpleNamespace

import aiohttp

from asyncsentry.transport.http1 import DISCARD_LIMIT
from asyncsentry.transport.protocol import BODY_LIMIT, Request, Response, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._aiohttp_lines import Lines, answers_on
from asyncsentry_transports._flight import Flight
from asyncsentry_transports._loops import Loops, tls_context
from asyncsentry_transports._tasks import Tasks

_NOT_OURS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that aiohttp would add."""


class AiohttpTransport:
    """Runs turns and sends on the loops that capture."""

    def __init__(self, settings: Settings) -> None:
        tls = TlsContext(settings)
        self._loops = Loops(lambda loop: _Session(loop, settings, tls), settings)

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


class _Try:
    """One go at a request: what aiohttp's tracing tells of it."""

    def __init__(self, flight: Flight) -> None:
        self.flight = flight
        self.reused = False


class _Session:
    """The client session on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: Settings, tls: TlsContext) -> None:
        self._loop = loop
        self._settings = settings
        self._tls = tls
        self._tasks = Tasks(loop)
        self._lines = Lines()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=settings.max_in_flight),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_NOT_OURS,
            auto_decompress=False,
            trust_env=False,
            trace_configs=[_tracing()],
            response_class=answers_on(self._lines),
        )

    def send(self, request: Request, flight: Flight, /) -> None:
        self._tasks.start(self._post(request, flight), flight)

    async def close(self) -> None:
        await self._tasks.end()
        await self._session.close()
        self._lines.clear_up()

    async def _post(self, request: Request, flight: Flight) -> Response:
        deadline = self._loop.time() + self._settings.timeout
        while True:
            go = _Try(flight)
            try:
                return await self._attempt(request, go, deadline - self._loop.time())
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if not go.reused:
                    raise
                # The server had closed the connection while it was idle.
            except aiohttp.ClientResponseError as error:
                raise _reason(error) from None
            except asyncio.TimeoutError as error:  # the built-in one only from 3.11 on
                raise TimeoutError("no answer in time") from error

    async def _attempt(self, request: Request, go: _Try, timeout: float) -> Response:
        proxy = self._settings.proxy
        secret = proxy.headers if proxy else {}
        secure = request.url.startswith("https:")
        async with self._session.post(
            request.url,
            data=BytesIO(request.body),  # aiohttp warns of large ones that are given as bytes
            headers={**request.headers} if secure else {**request.headers, **secret},
            proxy=proxy.url if proxy else None,
            proxy_headers=secret if secure else None,
            ssl=await tls_context(self._tls) if secure else True,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=timeout),
            trace_request_ctx=go,
        ) as answer:
            headers = {name.lower(): ", ".join(answer.headers.getall(name)) for name in answer.headers}
            return Response(answer.status, headers, await _body(answer))


def _reason(error: aiohttp.ClientResponseError) -> ConnectionError:
    """What went wrong, without the request that aiohttp shows with it: its headers hold secrets."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ConnectionError(f"the proxy answered {error.status} to CONNECT")
    return ConnectionError(f"the answer is malformed: {error.message}")


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """The beginning of the body, as far as it comes; one that is too long costs the connection."""
    body, read = b"", 0
    try:
        async for data in answer.content.iter_any():
            body, read = body + data[: BODY_LIMIT - len(body)], read + len(data)
            if read > DISCARD_LIMIT:
                answer.close()
                break
    except (aiohttp.ClientError, asyncio.TimeoutError):
        answer.close()  # the status was heard, and that is what counts
    return body


def _tracing() -> aiohttp.TraceConfig:
    """Has a `_Try` know what happens to it."""

    async def headers_sent(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.flight.sent = True

    async def reused(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.reused = True

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(headers_sent)
    config.on_connection_reuseconn.append(reused)
    return config
