"""A Sentry server for tests: real sockets, real HTTP, nothing stored but in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from asyncsentry.testing.answers import Reply, Script
from asyncsentry.testing.changes import Changes
from asyncsentry.testing.conversation import Conversation
from asyncsentry.testing.envelopes import Envelope
from asyncsentry.testing.ingest import Ingest
from asyncsentry.testing.listener import HOST, Listener
from asyncsentry.testing.received import ReceivedRequest

if TYPE_CHECKING:
    from ssl import SSLContext

    from typing_extensions import Self

LISTED: Final = 20
"""How many of the latest requests a `TimeoutError` lists."""


class LocalSentry:
    """A server on loopback that takes and refuses what Sentry does, answers as told, and shows what it got.

    ::

        with LocalSentry() as sentry:
            asyncsentry.init(sentry.dsn)
            asyncsentry.capture_message("hello")
            (event,) = sentry.wait_for_events(1)

    It runs from when it is made until `stop`, or the end of its ``with`` block; with an ``ssl_context`` over https. Its
    ``port`` is a free one, or the one given: that of a server that was stopped makes it the same one, restarted.
    Everything on it may be called from any thread. Its waits block: on an event loop, call them in a thread
    (``await asyncio.to_thread(sentry.wait_for_events, 1)``).
    """

    def __init__(
        self,
        *,
        ssl_context: SSLContext | None = None,
        project: str = "1",
        public_key: str = "a" * 32,
        port: int = 0,
    ) -> None:
        self._script = Script()
        self._changes = Changes()
        self._received: list[ReceivedRequest] = []
        self._scheme = "http" if ssl_context is None else "https"
        self._public_key = public_key
        self._project = project
        conversation = Conversation(Ingest(project, public_key), self._script, self._record)
        self._listener = Listener(conversation.serve, self._changes.note, ssl_context, port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Hang up on everybody, and end every thread and socket. What was received stays readable."""
        self._listener.close()

    @property
    def port(self) -> int:
        return self._listener.port

    @property
    def url(self) -> str:
        """Where envelopes go."""
        return f"{self._scheme}://{self._netloc}/api/{self._project}/envelope/"

    @property
    def dsn(self) -> str:
        return f"{self._scheme}://{self._public_key}@{self._netloc}/{self._project}"

    def dsn_for(self, transport: str, /, **query: object) -> str:
        """The DSN that names this transport, with these options: ``dsn_for("threaded", timeout=2)``."""
        options = f"?{urlencode(query)}" if query else ""
        return f"{transport}+{self.dsn}{options}"

    def answer(self, *replies: Reply) -> None:
        """Reply to the next requests with these, in the order in which the requests begin to arrive."""
        self._script.queue(*replies)

    def always(self, reply: Reply) -> None:
        """Reply with this to every request for which nothing else is queued."""
        self._script.default = reply

    def drop_connections(self) -> None:
        """Hang up on everybody, as a server does with connections that are idle for too long; return when done."""
        self._listener.drop()

    @property
    def connections(self) -> int:
        """How many connections it has accepted so far."""
        return self._listener.accepted

    @property
    def open_connections(self) -> int:
        return self._listener.open

    @property
    def requests(self) -> tuple[ReceivedRequest, ...]:
        """Everything that it read, also what it refused, in the order of arrival."""
        return tuple(self._received)

    @property
    def envelopes(self) -> tuple[Envelope, ...]:
        """What a real server would have stored: the envelopes that were answered with a 2xx."""
        return tuple(request.envelope for request in self.requests if request.envelope and request.accepted)

    @property
    def events(self) -> tuple[dict[str, Any], ...]:
        """The events in `envelopes`, as often as they arrived."""
        return self._payloads("event")

    @property
    def client_reports(self) -> tuple[dict[str, Any], ...]:
        return self._payloads("client_report")

    def wait_for_events(self, count: int, timeout: float = 5.0) -> tuple[dict[str, Any], ...]:
        """All events, as soon as there are at least so many; else `TimeoutError`, which lists what did arrive."""
        self.wait_for(lambda: len(self.events) >= count, timeout, what=f"{count} events")
        return self.events

    def wait_for(self, predicate: Callable[[], object], timeout: float = 5.0, *, what: str = "it") -> None:
        """Return when ``predicate`` is true: it is asked whenever a request or a connection has come or gone.

        Else `TimeoutError`, whose text says ``what`` was waited for, and what did arrive.
        """
        if not self._changes.wait_for(predicate, timeout):
            raise TimeoutError(f"{self} waited {timeout:g} s for {what} in vain. {self._arrived()}")

    def __repr__(self) -> str:
        return f"<LocalSentry {self.url}>"

    @property
    def _netloc(self) -> str:
        return f"{HOST}:{self.port}"

    def _record(self, request: ReceivedRequest) -> None:
        self._received.append(request)
        self._changes.note()

    def _payloads(self, type: str) -> tuple[dict[str, Any], ...]:
        return tuple(payload for envelope in self.envelopes for payload in envelope.payloads(type))

    def _arrived(self) -> str:
        if not self._received:
            return f"No request arrived, on {self.connections} connections."
        latest = [str(request) for request in self.requests[-LISTED:]]
        arrived = f"{len(self._received)} requests arrived, on {self.connections} connections; the last {len(latest)}:"
        return "\n  ".join([arrived, *latest])
