"""Sending in the caller's thread: for programs that choose to wait, and for places that freeze between two calls.

Capturing with this transport takes as long as the server does, at most the time-out. There is no thread and no timer:
what has to be sent again goes with the next event, or when the program ends.
"""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial

from asyncsentry.post import Channel
from asyncsentry.transport.protocol import Request, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry_transports._in_place import InPlace


class UrllibTransport:
    """Runs each turn in place, in the thread that asks for it."""

    def __init__(self, settings: Settings) -> None:
        self._place = InPlace(settings, partial(Channel, settings))

    def later(self, delay: float, turn: Turn, /) -> bool:
        """Run the turn now, or after the one that runs in this thread; False for one with a delay."""
        return self._place.later(delay, turn)

    def send(self, request: Request, settle: Settle, /) -> None:
        """Send now, and settle before returning."""
        self._place.send(request, settle)

    def wait(self, idle: Future[None], timeout: float, /) -> bool:
        """Block until ``idle``."""
        return self._place.wait(idle, timeout)

    def close(self, idle: Future[None], timeout: float, /) -> bool:
        """Block until ``idle``, then close the connections; posts of other threads are cut short."""
        return self._place.close(idle, timeout)
