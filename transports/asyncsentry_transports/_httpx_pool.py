"""One exchange with httpx: below its client, which would follow the environment, log each request, and add headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from asyncsentry.transport.http1 import DISCARD_LIMIT
from asyncsentry.transport.protocol import BODY_LIMIT, WRITE_SIZE, Request, Response
from asyncsentry.transport.settings import Settings
from asyncsentry_transports._flight import Flight

if TYPE_CHECKING:
    from ssl import SSLContext


class Try:
    """One go at a request: what httpcore's tracing tells of it."""

    def __init__(self, flight: Flight) -> None:
        self.fresh = False
        """Whether it opens a connection of its own."""
        self._connection: Any = None
        self._flight = flight

    async def trace(self, event: str, details: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.started":
            self.fresh = True
        elif event == "connection.connect_tcp.complete":
            self._connection = details["return_value"]
        elif event.endswith(".send_request_headers.started") and details["request"].method == b"POST":  # not CONNECT
            self._flight.sent = True

    async def clear_up(self) -> None:
        """Close the connection if it came to nothing: cut off in a handshake, httpcore leaves it open."""
        if self._connection is not None and not self._flight.sent:
            await self._connection.aclose()


class Pool:
    """Connections of httpx's, for as long as all goes well.

    A pool that has failed has to be replaced. It may hold a connection that is good for nothing, and that httpx would
    use again, such as one over HTTP/2 whose server fell silent, or count for ever, as a tunnel that shook no hands.
    """

    def __init__(self, settings: Settings, context: SSLContext | None, *, http2: bool) -> None:
        proxy, count = settings.proxy, settings.max_in_flight
        self.failed = False
        self._users = 0
        self._http = httpx.AsyncHTTPTransport(
            verify=context or False,  # without TLS no authorities are read
            trust_env=False,
            http2=http2,
            limits=httpx.Limits(max_connections=count, max_keepalive_connections=count, keepalive_expiry=None),
            proxy=httpx.Proxy(proxy.url, headers=proxy.headers) if proxy else None,
        )

    async def exchange(self, request: Request, go: Try, deadline: float) -> Response:
        """The answer; as far as it came, if its head did."""
        answer, body, whole = None, bytearray(), False
        self._users += 1
        try:
            with anyio.CancelScope(deadline=deadline) as scope:
                answer = await self._http.handle_async_request(_written(request, go))
                whole = await _read(answer, body, scope)
        finally:
            self._users -= 1
            self.failed = self.failed or not whole
            await go.clear_up()
            if self.failed and not self._users:
                await self.close()
        if answer is None:
            raise TimeoutError("no answer in time")
        return Response(answer.status_code, {name: answer.headers[name] for name in answer.headers}, bytes(body))

    async def close(self) -> None:
        await self._http.aclose()


class _Pieces(httpx.AsyncByteStream):
    """A request's body."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> bytes:
        piece = self._body[self._at : self._at + WRITE_SIZE]
        if not piece:
            raise StopAsyncIteration
        self._at += len(piece)
        return piece


def _written(request: Request, go: Try) -> httpx.Request:
    """The request in httpx's form. With a stream for a body no header is added to those that are here."""
    url = httpx.URL(request.url)
    headers = {"Host": url.netloc.decode("ascii"), **request.headers, "Content-Length": str(len(request.body))}
    return httpx.Request("POST", url, headers=headers, stream=_Pieces(request.body), extensions={"trace": go.trace})


async def _read(answer: httpx.Response, body: bytearray, scope: anyio.CancelScope) -> bool:
    """Add the beginning of the body to ``body``, as far as it comes. Whether it came to its end: it may be too long."""
    read = 0
    try:
        async for data in answer.aiter_raw():
            body += data[: BODY_LIMIT - len(body)]
            read += len(data)
            if read > DISCARD_LIMIT:
                scope.cancel()
    except httpx.TransportError:
        return False  # the status was heard, and that is what counts
    finally:
        await answer.aclose()
    return True
