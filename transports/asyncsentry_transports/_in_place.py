"""Turns in place, in the thread that asks for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress

from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry_transports._poster import Poster
from asyncsentry_transports._turns import run


class _ThisThread(threading.local):
    """The turns that wait for the one that runs in this thread; None if none runs."""

    waiting: deque[Turn] | None = None


class InPlace:
    """Runs each turn in place, and sends in it: with a poster for each thread that sends at the same time."""

    def __init__(self, settings: Settings, make_poster: Callable[[], Poster]) -> None:
        self._settings = settings
        self._make_poster = make_poster
        self._this_thread = _ThisThread()
        self._idle: deque[Poster] = deque([make_poster()])
        self._busy: set[Poster] = set()
        self._closed = False

    def later(self, delay: float, turn: Turn) -> bool:
        """Run the turn now, or after the one that runs in this thread; False for one with a delay."""
        if delay > 0 or self._closed:
            return False
        waiting = self._this_thread.waiting
        if waiting is not None:  # at most one level deep, however many turns arm another
            waiting.append(turn)
            return True
        waiting = deque([turn])
        while waiting:  # looked at again after the mark is taken off: a signal handler may have come between
            self._this_thread.waiting = waiting
            try:
                while waiting:
                    run(waiting.popleft())
            finally:
                self._this_thread.waiting = None
        return True

    def send(self, request: Request, settle: Settle) -> None:
        """Send now, and settle before returning."""
        if self._closed:
            settle(NoResponse(Cancelled("the transport was closed"), sent=False))
            return
        poster = self._take()
        self._busy.add(poster)
        outcome = None
        try:
            outcome = poster.post(request, self._settings.timeout)
        finally:  # also when Ctrl-C comes in between
            self._busy.discard(poster)
            self._give_back(poster)
            if outcome is None or (self._closed and isinstance(outcome, NoResponse)):
                outcome = NoResponse(Cancelled("the send was interrupted"), sent=outcome is None or outcome.sent)
            settle(outcome)

    def wait(self, idle: Future[None], timeout: float) -> bool:
        """Block until ``idle``: only other threads' turns can bring it about."""
        return bool(wait([idle], timeout).done)

    def close(self, idle: Future[None], timeout: float) -> bool:
        """Block until ``idle``, then close the connections; posts of other threads are cut short."""
        done = self.wait(idle, timeout)
        self._closed = True
        for poster in list(self._busy):
            poster.abort()
        self._close_idle(down_to=0)
        return done

    def _take(self) -> Poster:
        try:
            return self._idle.pop()
        except IndexError:
            return self._make_poster()

    def _give_back(self, poster: Poster) -> None:
        self._idle.append(poster)
        # Looked at only now: whoever closes them may have looked before.
        self._close_idle(down_to=0 if self._closed else self._settings.max_in_flight)

    def _close_idle(self, *, down_to: int) -> None:
        with suppress(IndexError):  # another thread takes them, too
            while len(self._idle) > down_to:
                self._idle.popleft().close()
