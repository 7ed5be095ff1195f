"""urllib3's connections, watched: how far a request came, and how much time is left for it."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from email.errors import MissingHeaderBodySeparatorDefect
from functools import partial
from http.client import HTTPException, HTTPResponse
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from asyncsentry.transport.http1 import HEAD_LIMIT
from asyncsentry.transport.protocol import WRITE_SIZE


class Watch:
    """What is known of the post in hand."""

    def __init__(self) -> None:
        self.sent = False
        """Whether part of the request may have left."""
        self.heard = False
        """Whether part of an answer came."""
        self.fresh = False
        """Whether a connection was opened for it."""
        self._deadline = 0.0
        self._line: socket.socket | None = None

    def begin(self, seconds: float) -> None:
        self.sent = self.heard = self.fresh = False
        self._deadline = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds; raises `TimeoutError` if there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        return left

    def connecting(self) -> float:
        """A connection is opened; gives the seconds for it."""
        self.fresh = True
        return self.left()

    def dial(self, host: str, port: int, options: Iterable[Any]) -> socket.socket:
        """Connect to the first address that lets us; each may take its share of the time that is left.

        urllib3's own way keeps its socket to itself until it is connected, which a server may leave it waiting for.
        """
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        failure = OSError(f"{host} has no address")
        for left, (family, kind, protocol, _, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
            line = None
            try:
                line = socket.socket(family, kind, protocol)
                return self._connect(line, address, left, options)
            except OSError as error:  # perhaps there is no such family here
                failure = error
                if line is not None:
                    line.close()
        raise failure

    def connected(self, line: socket.socket) -> _Timed:
        self.close()
        self._line = line
        return _Timed(line, self)

    def abort(self) -> None:
        """Cut the connection, whatever it is in; after the look-up of a name, too, nothing more is begun."""
        self._deadline = 0.0
        if (line := self._line) is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection: at the end of a program urllib3 does not, its finalizers are off by then."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    # Any: an address looks different in each family.
    def _connect(self, line: socket.socket, address: Any, share: int, options: Iterable[Any]) -> socket.socket:
        self.close()
        self._line = line.dup()  # TLS will take the handle; `abort` has one of its own
        for option in options:
            line.setsockopt(*option)
        line.settimeout(self.left() / share)
        line.connect(address)
        line.settimeout(self.left())
        return line


class _Timed:
    """A connected socket on which each step may take what is left for the whole."""

    def __init__(self, line: socket.socket, watch: Watch) -> None:
        self._line = line
        self._watch = watch

    # Any: whatever else urllib3 asks of a socket.
    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)

    def sendall(self, data: bytes) -> None:
        self._watch.sent = True
        left = memoryview(data)
        while left:
            self._line.settimeout(self._watch.left())
            left = left[self._line.send(left[:WRITE_SIZE]) :]

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        # By way of a file of the socket's own, so that the socket is closed when the last of the two is.
        return io.BufferedReader(_Incoming(self._line.makefile("rb", buffering=0), self._line, self._watch))


class _Incoming(io.RawIOBase):
    """What the server says."""

    def __init__(self, file: Any, line: socket.socket, watch: Watch) -> None:
        self._file = file
        self._line = line
        self._watch = watch

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._line.settimeout(self._watch.left())
        count: int | None = self._file.readinto(buffer)
        self._watch.heard = self._watch.heard or bool(count)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _Final(HTTPResponse):
    """An answer that interim ones may come before, as ``103 Early Hints``: `http.client` knows ``100`` alone.

    One whose head is none is no answer; urllib3 would only log that.
    """

    def begin(self) -> None:
        super().begin()
        if any(isinstance(defect, MissingHeaderBodySeparatorDefect) for defect in self.msg.defects):
            raise HTTPException("the server's answer has a line among its headers that is none")

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # typeshed leaves it out
            if not 100 < status < 200:
                return version, status, reason
            while self.fp.readline(HEAD_LIMIT).strip():
                pass


class _Plain(HTTPConnection):
    response_class = _Final

    def __init__(self, *arguments: Any, watch: Watch, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._watch = watch

    def connect(self) -> None:
        self.timeout = self._watch.connecting()
        super().connect()
        self.sock: Any = self._watch.connected(self.sock)

    def _new_conn(self) -> socket.socket:
        return self._watch.dial(self._dns_host, self.port, self.socket_options or ())


class _Secured(HTTPSConnection):
    response_class = _Final

    def __init__(self, *arguments: Any, watch: Watch, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._watch = watch

    def connect(self) -> None:
        self.timeout = self._watch.connecting()
        context = self.ssl_context
        # Of a context that leaves the name unchecked, urllib3 thinks that it is to be checked by itself.
        self.assert_hostname = False if context is not None and not context.check_hostname else None
        try:
            super().connect()
        except BaseException:
            self.close()  # urllib3 leaves open what a tunnel or a handshake has failed on
            self._watch.close()
            raise
        self.sock: Any = self._watch.connected(self.sock)
        self.is_verified = True  # or else the user has turned that off, and need not be warned at each connection

    def _new_conn(self) -> socket.socket:
        return self._watch.dial(self._dns_host, self.port, self.socket_options or ())


def watched_pools(watch: Watch) -> dict[str, Callable[..., HTTPConnectionPool]]:
    """What makes urllib3's pools, by scheme."""
    return {
        "http": partial(_pool, HTTPConnectionPool, partial(_Plain, watch=watch)),
        "https": partial(_pool, HTTPSConnectionPool, partial(_Secured, watch=watch)),
    }


def _pool(kind: type[HTTPConnectionPool], connect: Any, *arguments: Any, **options: Any) -> HTTPConnectionPool:
    pool = kind(*arguments, **options)
    pool.ConnectionCls = connect
    return pool
