"""Sending in the caller's thread: for programs that choose to wait, and for places that freeze between two calls.

Capturing with this transport takes as long as the server does, at most the time-out. There is no thread and no timer:
what has to be sent again goes with the next event, or when the program ends.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, wait

from asyncsentry.post import Channel
from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry_transports._turns import run


class _ThisThread(threading.local):
    """The turns that wait for the one that runs in this thread; None if none runs."""

    waiting: deque[Turn] | None = None


class UrllibTransport:
    """Runs each turn in place, in the thread that asks for it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._this_thread = _ThisThread()
        self._idle: deque[Channel] = deque([Channel(settings)])
        self._busy: set[Channel] = set()
        self._closed = False

    def later(self, delay: float, turn: Turn, /) -> bool:
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

    def send(self, request: Request, settle: Settle, /) -> None:
        """Send now, and settle before returning."""
        if self._closed:
            settle(NoResponse(Cancelled("the transport was closed"), sent=False))
            return
        channel = self._take()
        self._busy.add(channel)
        outcome = None
        try:
            outcome = channel.post(request, self._settings.timeout)
        finally:  # also when Ctrl-C comes in between
            self._busy.discard(channel)
            self._give_back(channel)
            if outcome is None or (self._closed and isinstance(outcome, NoResponse)):
                outcome = NoResponse(Cancelled("the send was interrupted"), sent=True)
            settle(outcome)

    def wait(self, idle: Future[None], timeout: float, /) -> bool:
        """Block until ``idle``: only other threads' turns can bring it about."""
        return bool(wait([idle], timeout).done)

    def close(self, idle: Future[None], timeout: float, /) -> bool:
        """Block until ``idle``, then close the connections; posts of other threads are cut short."""
        done = self.wait(idle, timeout)
        self._closed = True
        for channel in list(self._busy):
            channel.abort()
        while self._idle:
            self._idle.popleft().close()
        return done

    def _take(self) -> Channel:
        try:
            return self._idle.pop()
        except IndexError:
            return Channel(self._settings)

    def _give_back(self, channel: Channel) -> None:
        if self._closed or len(self._idle) >= self._settings.max_in_flight:
            channel.close()
        else:
            self._idle.append(channel)
