"""A listening socket on loopback, and the connections that come in on it."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ssl import SSLContext

HOST: Final = "127.0.0.1"
BACKLOG: Final = 1024

_LINGER_ZERO: Final = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
"""Closing a socket that lingers for no time resets its connection."""


class Connection:
    """One client's connection, served by one thread; `end` alone may be called from others."""

    def __init__(self, connected: socket.socket, number: int) -> None:
        self.number = number
        self.stream = connected.makefile("rb")
        self._socket = connected
        self._ended = threading.Event()
        self._resets = False

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def pause(self, seconds: float) -> None:
        """Wait so long; `ConnectionError` if the connection is ended meanwhile."""
        if seconds > 0 and self._ended.wait(seconds):
            raise ConnectionAbortedError

    def drain(self) -> None:
        """Throw away what comes, until the client leaves or the connection is ended."""
        while self.stream.read1():
            pass

    def reset(self) -> None:
        """Have `close` reset the connection, instead of ending it in order."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._resets = True

    def end(self) -> None:
        """Hang up: wakes the thread that serves it, whatever that is waiting for."""
        self._ended.set()
        self._shut_down()

    def close(self) -> None:
        if not self._resets:
            self._shut_down()
        self.stream.close()
        self._socket.close()

    def _shut_down(self) -> None:
        """Ends the connection also where a forked child holds a copy of its socket, and leaves out TLS's farewell."""
        with suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Listener:
    """Accepts connections on ``port`` (0: a free one), and serves each in a thread of its own.

    ``serve`` is given each connection; an `OSError` out of it means that the client left, or had to. ``changed`` is
    called after a connection has been opened or closed. The lock guards the table of open connections; a socket is
    closed under it, so that nobody hangs up a descriptor that already belongs to somebody else.
    """

    def __init__(
        self,
        serve: Callable[[Connection], None],
        changed: Callable[[], None],
        ssl_context: SSLContext | None,
        port: int = 0,
    ) -> None:
        self._serve = serve
        self._changed = changed
        self._socket = _listen(port, ssl_context)
        self.port: int = self._socket.getsockname()[1]
        self.accepted = 0
        self._open: dict[Connection, threading.Thread] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._accept_all, name=f"sentry-listener-{self.port}", daemon=True)
        self._thread.start()

    @property
    def open(self) -> int:
        return len(self._open)

    def drop(self) -> None:
        """End all connections, and wait until they are."""
        with self._lock:
            threads = list(self._open.values())
            for connection in self._open:
                connection.end()
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """Accept no more, and end all connections."""
        if self._closing:
            return
        self._closing = True
        with suppress(OSError):  # it may be gone already; if not, a client is what wakes accept() on every platform
            socket.create_connection((HOST, self.port)).close()
        self._thread.join()
        self.drop()

    def _accept_all(self) -> None:
        with self._socket:
            while not self._closing:
                with suppress(OSError):  # it left before we met
                    connected, _ = self._socket.accept()
                    self._admit(connected)

    def _admit(self, connected: socket.socket) -> None:
        if self._closing:
            connected.close()
            return
        with self._lock:
            self.accepted += 1
            connection = Connection(connected, self.accepted)
            name = f"sentry-connection-{self.port}-{connection.number}"
            thread = threading.Thread(target=self._run, args=(connection,), name=name, daemon=True)
            self._open[connection] = thread
            thread.start()
        self._changed()

    def _run(self, connection: Connection) -> None:
        try:
            with suppress(OSError):
                self._serve(connection)
        finally:
            with self._lock:
                del self._open[connection]
                connection.close()
            self._changed()


def _listen(port: int, ssl_context: SSLContext | None) -> socket.socket:
    listening = socket.create_server((HOST, port), backlog=BACKLOG)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by the sockets it accepts
    if ssl_context is None:
        return listening
    # Shaking hands is left to each connection's first read, so that a client which doesn't holds up nobody else.
    return ssl_context.wrap_socket(listening, server_side=True, do_handshake_on_connect=False)
