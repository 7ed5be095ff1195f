"""How the Twisted transport connects: directly or through a proxy, in the clear or by TLS."""

from __future__ import annotations

from ssl import SSLContext
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThreadPool

from asyncsentry.transport.http1 import origin
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._twisted_line import Line
from asyncsentry_transports._twisted_reactor import Reactor


class Way:
    """How the server is reached: the endpoint of every request, and what gives an agent that endpoint."""

    def __init__(self, reactor: Reactor, settings: Settings, tls: TlsContext) -> None:
        self.lines: set[Line] = set()
        """The connections there are."""
        self.dialled = 0
        """How many there have been, those that failed included."""
        self._reactor: Any = reactor  # Any: what takes it wants zope's interfaces, which only zope's checker sees in it
        self._settings = settings
        self._tls = tls

    def endpointForURI(self, _uri: object, /) -> Way:
        return self

    def connect(self, factory: Any) -> Deferred[Any]:
        """Connect, and have a protocol of the factory's ready to speak."""
        self.dialled += 1
        return Deferred.fromCoroutine(self._connect(factory))

    async def _connect(self, factory: Any) -> Any:
        server, proxy = origin(self._settings.url), self._settings.proxy
        via = server if proxy is None else proxy
        line = Line(self.lines.discard)
        endpoint = HostnameEndpoint(self._reactor, via.host, via.port, timeout=self._settings.timeout)
        await endpoint.connect(_quiet(line))
        self.lines.add(line)
        line.transport.setTcpNoDelay(True)
        try:
            if server.tls:
                if proxy is not None:
                    await line.tunnel(server, proxy)
                await line.secure(await self._context(), server.host)
        except BaseException:
            line.abortConnection()
            raise
        client = factory.buildProtocol(line.transport.getPeer())
        line.carry(client)
        return client

    async def _context(self) -> SSLContext:
        """The context, made in a thread: reading the platform's authorities takes some 20 ms."""
        if self._tls.made is None:
            return await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._tls.get)
        return self._tls.made


def _quiet(line: Line) -> Any:  # Any: the same
    """A factory of this one protocol, that does not log each connection."""
    factory = Factory.forProtocol(lambda: line)
    factory.noisy = False
    return factory
