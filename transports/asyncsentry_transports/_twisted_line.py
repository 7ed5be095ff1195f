"""The connections of the Twisted transport: what an agent's HTTP client speaks on, in the clear or through TLS."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from ssl import SSLContext, SSLError
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from asyncsentry.transport.http1 import DISCARD_LIMIT, HEAD_LIMIT, AnswerReader, MalformedAnswer, Origin, connect_head
from asyncsentry.transport.protocol import WRITE_SIZE
from asyncsentry.transport.settings import Proxy
from asyncsentry_transports._twisted_tls import Cipher

ANSWER_LIMIT = HEAD_LIMIT + DISCARD_LIMIT
"""Bytes of an answer, head and body, that are read to keep its connection; a longer one costs the connection."""


class Line(Protocol):
    """One connection: a protocol to the reactor, and the transport of what it carries, an HTTP client."""

    # Any: the reactor's transports and the agent's protocols have no types in common that say what they can do.
    transport: Any

    def __init__(self, lost: Callable[[Line], None]) -> None:
        """``lost`` is called when it is closed."""
        self.closed: Deferred[None] = Deferred()
        self._lost = lost
        self._carried: Any = None
        self._cipher: Cipher | None = None
        self._early = b""
        self._wanted: Deferred[bytes] | None = None
        self._reason: Failure | None = None
        self._outlet = _Outlet(self)
        self._heard = 0
        self._leaving = False

    # -- being set up

    async def tunnel(self, server: Origin, proxy: Proxy) -> None:
        """Ask the proxy on this connection for a tunnel."""
        reader, answer = AnswerReader(tunnel=True), None
        self.transport.write(connect_head(server, proxy))
        while answer is None:
            answer = reader.feed(await self._next())
        if answer.status >= 300:
            raise ConnectionError(f"the proxy answered {answer.status} to CONNECT")

    async def secure(self, context: SSLContext, name: str) -> None:
        """Speak TLS from here on."""
        cipher, data = Cipher(context, name), b""
        while not cipher.shake_hands(data):
            self.transport.write(cipher.to_send())
            data = await self._next()
        self.transport.write(cipher.to_send())
        self._cipher = cipher

    def carry(self, client: Any) -> None:
        """Be the transport of this protocol from here on."""
        self._carried = client
        client.makeConnection(self)

    def _next(self) -> Deferred[bytes]:
        if self._early:
            data, self._early = self._early, b""
            return succeed(data)
        if self._reason is not None:
            return fail(self._reason)
        self._wanted = Deferred()
        return self._wanted

    # -- as the reactor sees it

    def dataReceived(self, data: bytes) -> None:
        if self._carried is None:
            wanted, self._wanted = self._wanted, None
            if wanted is None:
                self._early += data
            else:
                wanted.callback(data)
            return
        self._heard += len(data)
        if self._heard > ANSWER_LIMIT:
            self._break(MalformedAnswer("the answer is too long"))
        elif plain := self._decrypted(data):
            self._carried.dataReceived(plain)
        if self._cipher is not None and self._cipher.ended:
            self.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._reason = self._reason or reason
        self._lost(self)
        if self._carried is not None:
            self._carried.connectionLost(self._reason)
        elif self._wanted is not None:
            self._wanted.errback(self._reason)
        self.closed.callback(None)

    # -- as the client sees it

    def write(self, data: bytes) -> None:
        """Write on, or a new request: that ends a connection whose last one was answered before it was written."""
        if self._outlet.left:
            self.abortConnection()
        else:
            self._heard = 0
            self._outlet.write(data)

    def writeSequence(self, pieces: Iterable[bytes]) -> None:
        self.write(b"".join(pieces))

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """Nothing to note: a request's body comes all at once, and is never paused."""

    def unregisterProducer(self) -> None:
        """Nothing to note."""

    def pauseProducing(self) -> None:
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        self.transport.resumeProducing()

    def stopProducing(self) -> None:
        self.abortConnection()

    def loseConnection(self) -> None:
        """Close, without waiting for a server that may never read the rest of a request."""
        self._leaving = True
        if self._outlet.left:
            self.abortConnection()
        else:
            self.transport.loseConnection()

    def abortConnection(self) -> None:
        self.transport.abortConnection()

    def hurry(self) -> None:
        """Close at once what should close, and still has something to write."""
        if self._leaving:
            self.abortConnection()

    # -- the clear text

    def _decrypted(self, data: bytes) -> bytes:
        if self._cipher is None:
            return data
        try:
            return self._cipher.decrypt(data)
        except SSLError as error:
            self._break(error)
            return b""

    def encrypted(self, piece: memoryview) -> bytes:
        if self._cipher is None:
            return bytes(piece)
        try:
            return self._cipher.encrypt(piece)
        except SSLError as error:
            self._break(error)
            return b""

    def _break(self, error: Exception) -> None:
        self._reason = Failure(error)
        self.abortConnection()


class _Outlet:
    """Writes on a line what may be large: piece by piece, each when the last one has left."""

    def __init__(self, line: Line) -> None:
        self.left: deque[memoryview] = deque()
        self._line = line

    def write(self, data: bytes) -> None:
        self.left.extend(memoryview(data)[start : start + WRITE_SIZE] for start in range(0, len(data), WRITE_SIZE))
        self._write_one()
        if self.left:
            self._line.transport.registerProducer(self, False)

    def resumeProducing(self) -> None:
        self._write_one()
        if not self.left:
            self._line.transport.unregisterProducer()

    def stopProducing(self) -> None:
        self.left.clear()

    def _write_one(self) -> None:
        if self.left:
            self._line.transport.write(self._line.encrypted(self.left.popleft()))
