"""Sending from one daemon thread with requests, for programs that have it already."""

from __future__ import annotations

from concurrent.futures import Future

from asyncsentry.transport.protocol import Request, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry_transports._requests_session import Session
from asyncsentry_transports._worker import Worker


class ThreadedRequestsTransport:
    """Runs turns one after the other, in a thread that starts with the first of them."""

    def __init__(self, settings: Settings) -> None:
        self._worker = Worker(Session(settings), settings.timeout)

    def later(self, delay: float, turn: Turn, /) -> bool:
        """Hand the turn to the thread; False where none can be started any more, as when Python is ending."""
        return self._worker.later(delay, turn)

    def send(self, request: Request, settle: Settle, /) -> None:
        """Send now, and settle before returning: nothing else waits for this thread."""
        self._worker.send(request, settle)

    def wait(self, idle: Future[None], timeout: float, /) -> bool:
        """Block until ``idle``."""
        return self._worker.wait(idle, timeout)

    def close(self, idle: Future[None], timeout: float, /) -> bool:
        """Block until ``idle``, then end the thread, cutting its post short."""
        return self._worker.close(idle, timeout)
