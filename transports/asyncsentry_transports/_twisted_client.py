"""Requests by Twisted's `Agent`, over a pool of connections, on one reactor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    HTTPConnectionPool,
    ProxyAgent,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.http_headers import Headers

from asyncsentry.transport.http1 import post_head
from asyncsentry.transport.protocol import BODY_LIMIT, Request, Response
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._flight import Flight
from asyncsentry_transports._twisted_reactor import Reactor
from asyncsentry_transports._twisted_way import Way

if TYPE_CHECKING:
    from twisted.web.iweb import IBodyProducer


class AgentSender:
    """An agent, and what it is doing."""

    def __init__(self, reactor: Reactor, settings: Settings, tls: TlsContext) -> None:
        self.reactor = reactor
        self.settings = settings
        self.way = Way(reactor, settings, tls)
        self.pool = HTTPConnectionPool(reactor)
        self.pool.maxPersistentPerHost = settings.max_in_flight
        self.agent: Agent | ProxyAgent
        if settings.proxy is not None and settings.url.startswith("http:"):
            self.agent = ProxyAgent(self.way, reactor, self.pool)
        else:
            self.agent = Agent.usingEndpointFactory(reactor, self.way, self.pool)
        self.posts: set[_Post] = set()
        """The requests on their way."""

    def send(self, request: Request, flight: Flight, /) -> None:
        _Post(self, request, flight).begin()

    async def close(self) -> None:
        """End all requests and connections. The flights are settled already."""
        for post in list(self.posts):
            post.give_up(ConnectionAbortedError("the transport has ended"))
        for line in self.way.lines:
            line.hurry()
        self.pool.closeCachedConnections()
        for line in list(self.way.lines):
            await line.closed


class _Post:
    """One request on its way."""

    def __init__(self, sender: AgentSender, request: Request, flight: Flight) -> None:
        """Raises for what cannot be written."""
        post_head(request, None)  # Twisted itself would write something else instead
        self._sender = sender
        self._flight = flight
        self._request = request
        self._given_up: Exception | None = None

    def begin(self) -> None:
        timeout, reason = self._sender.settings.timeout, TimeoutError("no answer in time")
        self._timer = self._sender.reactor.callLater(timeout, self.give_up, reason)
        self._sender.posts.add(self)
        self._answer = Deferred.fromCoroutine(self._exchange()).addBoth(self._land)

    def give_up(self, reason: Exception) -> None:
        """End now: with the answer as far as it came, or with ``reason``."""
        self._given_up = reason
        self._answer.cancel()

    async def _exchange(self) -> Response:
        url, headers = self._request.url.encode("ascii"), _headers(self._request, self._sender.settings)
        answer: Any  # for checkers, what is in an interface of zope's is an attribute of no type
        while True:
            dialled = self._sender.way.dialled
            answering = self._sender.agent.request(b"POST", url, headers, _body(self._request.body, self._flight))
            fresh = self._sender.way.dialled > dialled
            try:
                answer = await answering
            except (RequestTransmissionFailed, ResponseNeverReceived):
                if fresh or self._given_up:
                    raise
                # The server had closed the connection while it was idle, so the others are no better.
                self._sender.pool.closeCachedConnections()
            else:
                return Response(answer.code, _joined(answer.headers), await _Beginning(answer).whole)

    def _land(self, outcome: Response | Failure) -> None:
        self._sender.posts.discard(self)
        if self._timer.active():
            self._timer.cancel()
        if isinstance(outcome, Response):
            self._flight.settle(outcome)
        elif self._given_up is not None:
            self._flight.fail(self._given_up)
        elif not self._sender.reactor.running:
            self._flight.cancel("the reactor has stopped")
        else:
            self._flight.fail(_cause(outcome))


class _Body:
    """What an agent takes a request's body from: it gives all of it at once, and is never paused."""

    def __init__(self, body: bytes, flight: Flight) -> None:
        self.length = len(body)
        self._body = body
        self._flight = flight

    def startProducing(self, consumer: Any) -> Deferred[None]:
        self._flight.sent = True  # the head is written already
        consumer.write(self._body)
        return succeed(None)


def _body(body: bytes, flight: Flight) -> IBodyProducer:
    return cast("IBodyProducer", _Body(body, flight))  # as duck typing has it: Twisted does not ask


class _Beginning(Protocol):
    """The beginning of an answer's body, as far as it comes; a line gives up one that is too long."""

    # Any: what stands for the line while it is this answer's.
    transport: Any

    def __init__(self, answer: Any) -> None:
        self.whole: Deferred[bytes] = Deferred(lambda _: self._stop())
        self._body = b""
        answer.deliverBody(self)

    def dataReceived(self, data: bytes) -> None:
        self._body += data[: BODY_LIMIT - len(self._body)]

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002  # whatever it is
        if not self.whole.called:
            self.whole.callback(self._body)

    def _stop(self) -> None:
        self.whole.callback(self._body)
        self.transport.stopProducing()


def _headers(request: Request, settings: Settings) -> Headers:
    headers = dict(request.headers)
    if settings.proxy is not None and request.url.startswith("http:"):
        headers |= settings.proxy.headers
    return Headers({name.encode("latin-1"): [value.encode("latin-1")] for name, value in headers.items()})


def _joined(headers: Headers) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
        for name, values in headers.getAllRawHeaders()
    }


def _cause(failure: Failure) -> BaseException:
    """What went wrong, taken out of what Twisted wraps it in; the system's errors as Python itself raises them."""
    error: Any = failure.value  # Any: what wraps others has no types
    while isinstance(error, (RequestGenerationFailed, RequestTransmissionFailed, ResponseFailed)):
        error = error.reasons[0].value
    number = getattr(error, "osError", None)
    return OSError(number, os.strerror(number)) if isinstance(number, int) else error
