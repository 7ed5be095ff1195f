"""One blocking POST with a deadline: the last resort, and what the transports that block or switch send with.

Imported late: it brings sockets with it.
"""

from __future__ import annotations

import _socket
import socket
import time
from collections.abc import Sequence
from typing import Any, Protocol

from asyncsentry.transport.http1 import AnswerReader, connect_head, origin, post_head
from asyncsentry.transport.protocol import NoResponse, Request, Response
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry.transport.wire import Socket, Wire, seconds_until


class Network(Protocol):
    """What a channel reaches its server by."""

    # Any: an address looks different in each family.
    def addresses(self, host: str, port: int, seconds: float, /) -> Sequence[tuple[int, int, int, str, Any]]:
        """Look the host up, within so many seconds if that can be cut short; as ``getaddrinfo`` gives them."""
        ...

    def socket(self, family: int, kind: int, protocol: int, /) -> Socket:
        """A new socket, not connected."""
        ...


class Blocking:
    """The standard library's sockets: whoever waits for one, waits with the whole thread."""

    def addresses(self, host: str, port: int, _seconds: float, /) -> Sequence[tuple[int, int, int, str, Any]]:
        """The system gives no way to cut this short."""
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except RuntimeError:  # gevent's has a thread look it up, and none begins any more while the interpreter ends
            return _socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)

    def socket(self, family: int, kind: int, protocol: int, /) -> Socket:
        return socket.socket(family, kind, protocol)


class Channel:
    """One connection to the endpoint, kept alive between posts, for one thread (or greenlet) at a time.

    Looking up a host's name is the only step that the deadline may not cut short: that is up to the ``network``.
    """

    def __init__(self, settings: Settings, network: Network | None = None, *, tls: TlsContext | None = None) -> None:
        """Opens nothing; raises `SetupError` for TLS files that cannot be used, unless ``tls`` is there already."""
        self.sent = False
        """Whether part of the latest request may have left."""
        self._settings = settings
        self._network = network or Blocking()
        self._server = origin(settings.url)
        self._tls = tls or TlsContext(settings)
        self._wire: Wire | None = None
        self._reusable = False
        self._aborted = False

    def post(self, request: Request, timeout: float) -> Response | NoResponse:
        """Send, and give the answer; ``timeout`` seconds for all of it, connecting included.

        A kept connection that the server has closed in the meantime is replaced at once, without a word.
        """
        self.sent = self._reusable = self._aborted = False
        try:
            return self._exchange(request, time.monotonic() + timeout)
        except Exception as error:  # name look-up, sockets, TLS, HTTP and certificates each fail in their own way
            return NoResponse(error, self.sent)
        finally:
            if not self._reusable:
                self.close()

    def abort(self) -> None:
        """End the post that another thread is in, as far as it can be ended: it gives `NoResponse` soon."""
        self._aborted = True
        if (wire := self._wire) is not None:
            wire.abort()

    def close(self) -> None:
        """Close the connection; the next post opens another."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _exchange(self, request: Request, deadline: float) -> Response:
        message = post_head(request, self._settings.proxy) + request.body
        if self._wire is not None and self._wire.quiet:
            reader = AnswerReader()
            self._wire.deadline = deadline
            try:
                return self._converse(self._wire, message, reader)
            except OSError as error:
                if reader.started or self._aborted or isinstance(error, TimeoutError):
                    raise
        self.close()
        return self._converse(self._connect(deadline), message, AnswerReader())

    def _converse(self, wire: Wire, message: bytes, reader: AnswerReader) -> Response:
        self.sent = True
        try:
            wire.write(message)
        except TimeoutError:
            raise
        except OSError:  # the server hung up on us: perhaps with an early answer, a refusal
            answer = _read(wire, reader)
        else:
            answer = _read(wire, reader)
            self._reusable = reader.reusable
        return answer

    def _connect(self, deadline: float) -> Wire:
        server, proxy = self._server, self._settings.proxy
        via = server if proxy is None else proxy
        wire = self._dial(via.host, via.port, deadline)
        if server.tls:
            if proxy is not None:
                _tunnel(wire, connect_head(server, proxy))
            wire.secure(self._tls.get(), server.host)
        return wire

    def _dial(self, host: str, port: int, deadline: float) -> Wire:
        """Connect to the first address that lets us; each may take its share of the time that is left."""
        try:
            addresses = self._network.addresses(host, port, seconds_until(deadline))
        except OSError:
            seconds_until(deadline)  # it has failed, but it has taken too long, too: what that means comes first
            raise
        failure = OSError(f"{host} has no address")
        for left, (family, kind, protocol, _, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
            wire = None
            try:
                self._wire = wire = Wire(self._network.socket(family, kind, protocol), deadline)
                wire.connect(address, seconds_until(deadline) / left)
                return wire
            except OSError as error:  # perhaps there is no such family here
                failure = error
                if wire is not None:
                    wire.close()
        raise failure


def _tunnel(wire: Wire, message: bytes) -> None:
    wire.write(message)
    answer = _read(wire, AnswerReader(tunnel=True))
    if answer.status >= 300:
        raise ConnectionError(f"the proxy answered {answer.status} to CONNECT")


def _read(wire: Wire, reader: AnswerReader) -> Response:
    """The answer, or as much of it as came if its head did."""
    answer = None
    while answer is None:
        try:
            data = wire.read()
            if not data:
                raise ConnectionResetError("the server closed the connection without an answer")
        except OSError:
            if (answer := reader.known()) is None:
                raise
        else:
            answer = reader.feed(data)
    return answer
