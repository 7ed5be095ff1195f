"""One connection of the asyncio transport: plain callbacks, so that cancelling every task cuts no request in two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from asyncsentry.transport.http1 import AnswerReader, MalformedAnswer, Origin, connect_head, origin
from asyncsentry.transport.protocol import WRITE_SIZE, Response
from asyncsentry.transport.settings import Proxy, Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._loops import tls_context

if TYPE_CHECKING:
    from ssl import SSLContext

Done = Callable[[Response | Exception], None]


class Connection(asyncio.Protocol):
    """Carries one exchange at a time."""

    def __init__(self) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.reusable = False
        """Whether it may carry another exchange."""
        self._transport: asyncio.Transport | None = None
        self._reader: AnswerReader | None = None
        self._done: Done | None = None
        self._unwritten = memoryview(b"")
        self._paused = False

    def exchange(self, message: bytes, reader: AnswerReader, done: Done) -> None:
        """Write the message and call ``done`` once, with the answer or with what happened instead."""
        self._reader, self._done, self.reusable = reader, done, False
        self._unwritten = memoryview(message)
        self._write_on()

    def give_up(self, reason: Exception) -> None:
        """End the exchange now: with the answer as far as it came, or with ``reason``."""
        self._finish((self._reader and self._reader.known()) or reason)

    def abort(self) -> None:
        """Close at once. There is nothing to say good-bye for: no answer is due, or none is wanted."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    async def tunnel(self, server: Origin, proxy: Proxy) -> None:
        """Ask the proxy on this connection for a tunnel."""
        answer: asyncio.Future[Response | Exception] = asyncio.get_running_loop().create_future()
        self.exchange(connect_head(server, proxy), AnswerReader(tunnel=True), answer.set_result)
        outcome = await answer
        if isinstance(outcome, Exception):
            raise outcome
        if outcome.status >= 300:
            raise ConnectionError(f"the proxy answered {outcome.status} to CONNECT")

    async def secure(self, context: SSLContext, name: str) -> None:
        """Speak TLS from here on."""
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        self._transport = await loop.start_tls(self._transport, self, context, server_hostname=name)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by descent

    def data_received(self, data: bytes) -> None:
        if self._reader is None:
            self.abort()  # nobody asked: the next answer would be taken for another's
            return
        try:
            answer = self._reader.feed(data)
        except MalformedAnswer as error:
            self._finish(error)
        else:
            if answer is not None:
                self._finish(answer)

    def eof_received(self) -> None:
        self.reusable = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.abort()  # it is over already; but TLS's transport on Python 3.10 complains unless it was told
        if not self.closed.done():
            self.closed.set_result(None)
        self.give_up(exc or ConnectionResetError("the server closed the connection without an answer"))

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._write_on()

    def _finish(self, outcome: Response | Exception) -> None:
        reader, done, transport = self._reader, self._done, self._transport
        if reader is None or done is None or transport is None:
            return
        self._reader = self._done = None
        self.reusable = (
            reader.reusable
            and not self.closed.done()
            and not transport.is_closing()
            and not self._unwritten
            and not transport.get_write_buffer_size()
        )
        self._unwritten = memoryview(b"")
        done(outcome)

    def _write_on(self) -> None:
        while self._unwritten and not self._paused and self._transport is not None:
            chunk, self._unwritten = self._unwritten[:WRITE_SIZE], self._unwritten[WRITE_SIZE:]
            self._transport.write(chunk)


async def connect(settings: Settings, tls: TlsContext) -> Connection:
    """A connection to the endpoint, through its proxy if it has one, ready for a request."""
    loop = asyncio.get_running_loop()
    server, proxy = origin(settings.url), settings.proxy
    via = server if proxy is None else proxy
    _, connection = await loop.create_connection(Connection, via.host, via.port)
    try:
        if server.tls:
            if proxy is not None:
                await connection.tunnel(server, proxy)
            await connection.secure(await tls_context(tls), server.host)
    except BaseException:
        connection.abort()
        raise
    return connection
