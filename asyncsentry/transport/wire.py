"""One connection, plain or with TLS, whose every step obeys one deadline, on whatever kind of socket it is.

TLS is spoken between two buffers, not by a socket: each kind of socket brings TLS of its own, and takes no context
that was made for another kind's.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from asyncsentry.transport.protocol import WRITE_SIZE

if TYPE_CHECKING:
    from ssl import MemoryBIO, SSLContext, SSLObject

    from typing_extensions import Buffer

T = TypeVar("T")

_READ_SIZE = 64 * 1024


class Socket(Protocol):
    """As much of a socket as a wire needs. Where it waits, it waits as its style does."""

    def settimeout(self, seconds: float, /) -> None: ...

    # Any: what an address looks like depends on its family.
    def connect(self, address: Any, /) -> None: ...
    def send(self, data: Buffer, /) -> int: ...
    def recv(self, size: int, flags: int = 0, /) -> bytes: ...
    def setsockopt(self, level: int, name: int, value: int, /) -> None: ...
    def shutdown(self, how: int, /) -> None: ...
    def close(self) -> None: ...


class Wire:
    """Carries bytes. What takes longer than ``deadline`` (a monotonic time) raises TimeoutError."""

    def __init__(self, connection: Socket, deadline: float) -> None:
        self.deadline = deadline
        self._connection = connection
        self._tls: _Tls | None = None

    def connect(self, address: Any, seconds: float) -> None:
        """Connect within so many seconds."""
        self._connection.settimeout(min(seconds, seconds_until(self.deadline)))
        self._connection.connect(address)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def secure(self, context: SSLContext, name: str) -> None:
        """Speak TLS from here on; the server proves that it is ``name``, if ``context`` asks for that."""
        tls = _Tls(context, name)
        self._take(tls, tls.engine.do_handshake)
        self._tls = tls

    def write(self, message: bytes) -> None:
        """Write all of it."""
        left = memoryview(message)
        while left:
            left = left[self._write(left[:WRITE_SIZE]) :]

    def read(self) -> bytes:
        """Some of what comes; nothing when the other side has hung up."""
        tls = self._tls
        return self._recv() if tls is None else self._take(tls, lambda: tls.read(_READ_SIZE))

    @property
    def quiet(self) -> bool:
        """Whether nothing has come that was not read: neither an answer that nobody asked for, nor the end."""
        if self._tls is not None and self._tls.incoming.pending:
            return False
        self._connection.settimeout(0.0)
        try:
            self._connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def abort(self) -> None:
        """End what goes on here in another thread, as far as it can be ended."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _write(self, data: memoryview) -> int:
        tls = self._tls
        return self._send(data) if tls is None else self._take(tls, lambda: tls.engine.write(data))

    def _take(self, tls: _Tls, step: Callable[[], T]) -> T:
        """Take a step of TLS: what it has to say is said, and what it waits for is heard."""
        from ssl import SSLError, SSLWantReadError

        while True:
            try:
                done = step()
            except SSLWantReadError:
                self._say(tls)
                tls.hear(self._recv())
            except SSLError:
                with suppress(OSError):
                    self._say(tls)  # to the server, what is wrong with its certificate
                raise
            else:
                self._say(tls)
                return done

    def _say(self, tls: _Tls) -> None:
        left = memoryview(tls.outgoing.read())
        while left:
            left = left[self._send(left) :]

    def _send(self, data: memoryview) -> int:
        self._connection.settimeout(seconds_until(self.deadline))
        return self._connection.send(data)

    def _recv(self) -> bytes:
        self._connection.settimeout(seconds_until(self.deadline))
        return self._connection.recv(_READ_SIZE)


class _Tls:
    """One side of TLS, between what has come and what is to go."""

    def __init__(self, context: SSLContext, name: str) -> None:
        from ssl import MemoryBIO

        self.incoming: MemoryBIO = MemoryBIO()
        self.outgoing: MemoryBIO = MemoryBIO()
        self.engine: SSLObject = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    def read(self, size: int) -> bytes:
        from ssl import SSLEOFError, SSLZeroReturnError

        try:
            return self.engine.read(size)
        except (SSLZeroReturnError, SSLEOFError):  # it hung up, with or without saying so
            return b""

    def hear(self, data: bytes) -> None:
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()


def seconds_until(deadline: float) -> float:
    """The time that is left; raises TimeoutError if none is."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left
