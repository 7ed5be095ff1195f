"""The connection of a request of Tornado's simple client, which makes one for each."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.tcpclient import TCPClient

from asyncsentry_transports._flight import Flight

if TYPE_CHECKING:
    from ssl import SSLContext


class Dialer(TCPClient):
    """Connects for one request, and closes what it has opened."""

    def __init__(self, flight: Flight, context: SSLContext | None, deadline: float) -> None:
        super().__init__()
        self.flight = flight
        self.failure: BaseException | None = None
        """Why there is no connection any more, if somebody said so."""
        self._context = context
        self._deadline = deadline
        self._stream: _Stream | None = None
        self._closed = False

    # Any: Tornado's client has more to ask for, of which nothing concerns us.
    async def connect(self, host: str, port: int, *_: Any, **__: Any) -> IOStream:
        """Connect to the first address that lets us; each may take its share of the time that is left."""
        loop = asyncio.get_running_loop()
        addresses = await self.resolver.resolve(host, port)
        for left, (family, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
            if self._closed:
                break
            stream = self._stream = self._make_stream(family)
            alarm = loop.call_later((self._deadline - loop.time()) / left, stream.close)
            try:
                await stream.connect(address, server_hostname=host)
                return stream
            except StreamClosedError as error:
                self.fail(error.real_error)
            except OSError as error:  # of TLS, mostly
                self.fail(error)
            finally:
                alarm.cancel()
            stream.close()
        raise StreamClosedError(self.failure)

    def hang_up(self) -> None:
        """Close the connection."""
        if self._stream is not None:
            self._stream.close()

    def close(self) -> None:
        """Hang up, and open no other connection."""
        super().close()
        self._closed = True
        self.hang_up()

    def fail(self, reason: BaseException | None) -> None:
        self.failure = reason or self.failure

    def _make_stream(self, family: int) -> _Stream:
        if self._context is None:
            return _Stream(socket.socket(family), dialer=self)
        return _SecureStream(socket.socket(family), dialer=self, ssl_options=self._context)


class _Stream(IOStream):
    def __init__(self, *arguments: Any, dialer: Dialer, **options: Any) -> None:
        self._dialer = dialer
        super().__init__(*arguments, **options)

    def write(self, data: bytes | memoryview) -> asyncio.Future[None]:
        self._dialer.flight.sent = True
        return super().write(data)

    def close(self, exc_info: Any = False) -> None:
        """Close, and keep the reason to ourselves: Tornado's client logs it as a mistake of the program's."""
        reason = sys.exc_info() if exc_info is True else exc_info
        self._dialer.fail(reason[1] if isinstance(reason, tuple) else reason or None)
        super().close()


class _SecureStream(_Stream, SSLIOStream):
    pass
