"""One blocking POST with a deadline: the last resort, and what the `urllib` and `threaded` transports send with.

Imported late: it brings sockets with it.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress

from asyncsentry.transport.http1 import AnswerReader, Origin, connect_head, origin, post_head
from asyncsentry.transport.protocol import NoResponse, Request, Response
from asyncsentry.transport.settings import Proxy, Settings
from asyncsentry.transport.tls import TlsContext

_CHUNK = 64 * 1024


class Channel:
    """One connection to the endpoint, kept alive between posts, for one thread at a time.

    Looking up a host's name is the only step that the deadline cannot cut short: the system gives no way to.
    """

    def __init__(self, settings: Settings) -> None:
        """Opens nothing; raises `SetupError` for TLS files that cannot be used."""
        self._settings = settings
        self._server = origin(settings.url)
        self._tls = TlsContext(settings)
        self._socket: socket.socket | None = None
        self._sent = False
        self._reusable = False

    def post(self, request: Request, timeout: float) -> Response | NoResponse:
        """Send, and give the answer; ``timeout`` seconds for all of it, connecting included.

        A kept connection that the server has closed in the meantime is replaced at once, without a word.
        """
        self._sent = self._reusable = False
        try:
            return self._exchange(request, time.monotonic() + timeout)
        except Exception as error:  # name look-up, sockets, TLS, HTTP and certificates each fail in their own way
            return NoResponse(error, self._sent)
        finally:
            if not self._reusable:
                self.close()

    def abort(self) -> None:
        """End the post that another thread is in, as far as it can be ended: it gives `NoResponse` soon."""
        if (connection := self._socket) is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; the next post opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, request: Request, deadline: float) -> Response:
        message = post_head(request, self._settings.proxy) + request.body
        if self._socket is not None and _is_quiet(self._socket):
            reader = AnswerReader()
            try:
                return self._converse(self._socket, message, reader, deadline)
            except OSError as error:
                if reader.started or isinstance(error, TimeoutError):
                    raise
        self.close()
        return self._converse(self._connect(deadline), message, AnswerReader(), deadline)

    def _converse(self, connection: socket.socket, message: bytes, reader: AnswerReader, deadline: float) -> Response:
        self._sent = True
        try:
            _write(connection, message, deadline)
        except TimeoutError:
            raise
        except OSError:  # the server hung up on us: perhaps with an early answer, a refusal
            answer = _read(connection, reader, deadline)
        else:
            answer = _read(connection, reader, deadline)
            self._reusable = reader.reusable
        return answer

    def _connect(self, deadline: float) -> socket.socket:
        server, proxy = self._server, self._settings.proxy
        if proxy is None:
            connection = self._dial(server.host, server.port, deadline)
        else:
            connection = self._dial(proxy.host, proxy.port, deadline)
        if not server.tls:
            return connection
        if proxy is not None:
            _tunnel(connection, server, proxy, deadline)
        connection.settimeout(_seconds_until(deadline))
        secured = self._tls.get().wrap_socket(connection, server_hostname=server.host, do_handshake_on_connect=False)
        self._socket = secured
        secured.do_handshake()
        return secured

    def _dial(self, host: str, port: int, deadline: float) -> socket.socket:
        """Connect to the first address that lets us; each may take its share of the time that is left."""
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        failure = OSError(f"{host} has no address")
        for left, (family, kind, protocol, _, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
            self._socket = connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(_seconds_until(deadline) / left)
                connection.connect(address)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection
            except OSError as error:
                connection.close()
                failure = error
        raise failure


def _tunnel(connection: socket.socket, server: Origin, proxy: Proxy, deadline: float) -> None:
    _write(connection, connect_head(server, proxy), deadline)
    answer = _read(connection, AnswerReader(tunnel=True), deadline)
    if answer.status >= 300:
        raise ConnectionError(f"the proxy answered {answer.status} to CONNECT")


def _is_quiet(connection: socket.socket) -> bool:
    """Whether nothing came on a kept connection: neither its end, nor an answer that nobody asked for."""
    connection.settimeout(0.0)
    try:
        socket.socket.recv(connection, 1, socket.MSG_PEEK)  # below TLS, which knows no peeking
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _write(connection: socket.socket, message: bytes, deadline: float) -> None:
    left = memoryview(message)
    while left:
        connection.settimeout(_seconds_until(deadline))
        left = left[connection.send(left[:_CHUNK]) :]


def _read(connection: socket.socket, reader: AnswerReader, deadline: float) -> Response:
    """The answer, or as much of it as came if its head did."""
    answer = None
    while answer is None:
        try:
            connection.settimeout(_seconds_until(deadline))
            data = connection.recv(_CHUNK)
            if not data:
                raise ConnectionResetError("the server closed the connection without an answer")
        except OSError:
            if (answer := reader.known()) is None:
                raise
        else:
            answer = reader.feed(data)
    return answer


def _seconds_until(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left
