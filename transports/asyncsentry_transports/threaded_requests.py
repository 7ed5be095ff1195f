"""Sending from daemon threads with requests, for programs that have it already.

There is one, and more, up to ``max_in_flight``, while there is more to send.
"""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial

from asyncsentry.transport.protocol import Request, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._requests_session import Session
from asyncsentry_transports._worker import Worker


class ThreadedRequestsTransport:
    """Runs turns one after the other, in threads of which the first starts with the first turn."""

    def __init__(self, settings: Settings) -> None:
        """Raises `SetupError` for TLS files that cannot be used."""
        self._worker = Worker(partial(Session, settings, tls=TlsContext(settings)), settings)

    def later(self, delay: float, turn: Turn, /) -> bool:
        """Hand the turn to a thread; False where none can be started any more, as when Python is ending."""
        return self._worker.later(delay, turn)

    def send(self, request: Request, settle: Settle, /) -> None:
        """Send in the turn's thread, when the turn is over."""
        self._worker.send(request, settle)

    def wait(self, idle: Future[None], timeout: float, /) -> bool:
        """Block until ``idle``."""
        return self._worker.wait(idle, timeout)

    def close(self, idle: Future[None], timeout: float, /) -> bool:
        """Block until ``idle``, then end the threads, cutting their posts short."""
        return self._worker.close(idle, timeout)
