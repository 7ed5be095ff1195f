"""Sending with Tornado's simple client: a connection for each request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.httputil import HTTPHeaders
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from asyncsentry.transport.protocol import Request, Response
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._flight import Flight
from asyncsentry_transports._loops import tls_context
from asyncsentry_transports._tasks import Tasks
from asyncsentry_transports._tornado_answer import Answer
from asyncsentry_transports._tornado_streams import Dialer

_NEEDED = ("Connection", "Content-Length", "Host")
"""Headers without which there is no HTTP."""


class SimpleSender:
    """Makes a client for each request: it keeps nothing that the next could use."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: Settings, tls: TlsContext) -> None:
        self._loop = loop
        self._settings = settings
        self._tls = tls
        self._tasks = Tasks(loop)

    def send(self, request: Request, flight: Flight, /) -> None:
        self._tasks.start(self._post(request, flight), flight)

    async def close(self) -> None:
        await self._tasks.end()

    async def _post(self, request: Request, flight: Flight) -> Response:
        deadline = self._loop.time() + self._settings.timeout
        context = await tls_context(self._tls) if request.url.startswith("https:") else None
        answer, dialer = Answer(), Dialer(flight, context, deadline)
        client = SimpleAsyncHTTPClient(force_instance=True)
        assert isinstance(client, SimpleAsyncHTTPClient)  # its type says less
        client.tcp_client = dialer

        def take(piece: bytes) -> None:
            if not answer.piece(piece):
                dialer.hang_up()

        exchange = client.fetch(_Post(request, answer.line, take), raise_error=False)
        try:
            await asyncio.wait([exchange], timeout=deadline - self._loop.time())
        finally:
            exchange.add_done_callback(asyncio.Future.exception)  # looked at, also if it comes late
            client.close()
        if (known := answer.known()) is not None:
            return known
        if not exchange.done() or self._loop.time() >= deadline:
            raise TimeoutError("no answer in time")
        raise dialer.failure or exchange.exception() or ConnectionError("there is no answer")


class _Post(HTTPRequest):
    """A POST to whose headers the client adds only what is needed. The time that it takes is measured by others."""

    def __init__(self, request: Request, head: Any, body: Any) -> None:
        super().__init__(
            request.url,
            "POST",
            headers=dict(request.headers),
            body=request.body,
            connect_timeout=0,
            request_timeout=0,
            follow_redirects=False,
            decompress_response=False,
            header_callback=head,
            streaming_callback=body,
        )

    @property
    def headers(self) -> HTTPHeaders:
        return self._own

    @headers.setter
    def headers(self, value: Mapping[str, str]) -> None:
        self._own = _Headers(value)


class _Headers(HTTPHeaders):
    """Headers that nobody adds to."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._complete = False
        super().__init__(headers)
        self._complete = True

    def __setitem__(self, name: str, value: str) -> None:
        if not self._complete or name in _NEEDED:
            super().__setitem__(name, value)
