"""The connections of the trio transport: one exchange at a time, in the clear or through TLS."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import trio
from trio.lowlevel import enable_ki_protection

from asyncsentry.transport.http1 import AnswerReader, Origin, connect_head, origin
from asyncsentry.transport.protocol import WRITE_SIZE, Response
from asyncsentry.transport.settings import Proxy, Settings
from asyncsentry.transport.tls import TlsContext

if TYPE_CHECKING:
    from ssl import SSLContext


class Line:
    """One connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.reusable = False
        """Whether it may carry another exchange."""
        self._socket = stream.socket
        self._ground = _Ground(stream)
        self._stream: trio.abc.Stream = self._ground
        self._written = True

    async def tunnel(self, server: Origin, proxy: Proxy) -> None:
        """Ask the proxy on this connection for a tunnel."""
        answer = await self.exchange(connect_head(server, proxy), AnswerReader(tunnel=True))
        if answer.status >= 300:
            raise ConnectionError(f"the proxy answered {answer.status} to CONNECT")

    async def secure(self, context: SSLContext, name: str) -> None:
        """Speak TLS from here on."""
        tls = trio.SSLStream(self._ground, context, server_hostname=name, https_compatible=True)
        await tls.do_handshake()
        self._stream = tls

    async def exchange(self, message: bytes, reader: AnswerReader) -> Response:
        """Write the message and read the answer, which may come before all is written."""
        self.reusable = self._written = False
        outcome: Response | Exception
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write, message)
            try:
                outcome = await self._read(reader)
            except Exception as error:  # raised below: out of a nursery it would come in a group
                outcome = error
            nursery.cancel_scope.cancel()
        if isinstance(outcome, Exception):
            raise outcome
        self.reusable = reader.reusable and self._written
        return outcome

    async def is_quiet(self) -> bool:
        """Whether nothing has come that was not read."""
        self._ground.patient = False
        try:
            await self._stream.receive_some(1)
        except trio.WouldBlock:
            return True
        except trio.BrokenResourceError:
            return False
        finally:
            self._ground.patient = True
        return False

    def close(self) -> None:
        """Hang up; not through trio, which closes nothing outside of a run."""
        descriptor = self._socket.detach()
        if descriptor >= 0:
            socket.close(descriptor)

    @enable_ki_protection
    async def _write(self, message: bytes) -> None:
        left = memoryview(message)
        with suppress(trio.BrokenResourceError):  # the server hung up on us: perhaps with an early answer, a refusal
            while left:
                await self._stream.send_all(left[:WRITE_SIZE])
                left = left[WRITE_SIZE:]
            self._written = True

    async def _read(self, reader: AnswerReader) -> Response:
        """The answer, or as much of it as came if its head did."""
        answer = None
        while answer is None:
            try:
                data = await self._stream.receive_some()
                if not data:
                    raise ConnectionResetError("the server closed the connection without an answer")
            except (OSError, trio.BrokenResourceError):
                if (answer := reader.known()) is None:
                    raise
            else:
                answer = reader.feed(bytes(data))
        return answer


class _Ground(trio.abc.Stream):
    """A socket's stream, which may be told not to wait for what comes."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.patient = True
        """Whether it waits; if not, it raises `trio.WouldBlock`."""
        self._stream = stream

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if not self.patient and not self._stream.socket.is_readable():
            raise trio.WouldBlock
        return await self._stream.receive_some(max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


async def connect(settings: Settings, tls: TlsContext) -> Line:
    """A connection to the endpoint, through its proxy if it has one, ready for a request."""
    server, proxy = origin(settings.url), settings.proxy
    via = server if proxy is None else proxy
    line = Line(await trio.open_tcp_stream(via.host, via.port))
    try:
        if server.tls:
            if proxy is not None:
                await line.tunnel(server, proxy)
            await line.secure(await _context(tls), server.host)
    except BaseException:
        line.close()
        raise
    return line


async def _context(tls: TlsContext) -> SSLContext:
    """The context, made in a thread of our own: reading the platform's authorities takes some 20 ms."""
    if tls.made is None:
        return await trio.to_thread.run_sync(tls.get, abandon_on_cancel=True, limiter=trio.CapacityLimiter(1))
    return tls.made
