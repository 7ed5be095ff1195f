"""Turns one after the other, in a daemon thread."""

from __future__ import annotations

import _thread
import heapq
import threading
import time
from collections import deque
from concurrent.futures import Future, wait
from itertools import count
from queue import Empty, SimpleQueue

from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Response, Settle, Turn
from asyncsentry_transports._patience import PATIENCE
from asyncsentry_transports._poster import Poster
from asyncsentry_transports._turns import run

_LONGEST_SLEEP = 3600.0


class Worker:
    """Runs turns and sends in a thread that starts with the first turn.

    ``later`` waits for no lock, so it is safe in signal handlers and finalizers: a put into a `SimpleQueue` may
    interrupt another, and a deque's pop decides who starts the thread.
    """

    def __init__(self, poster: Poster, timeout: float) -> None:
        """``timeout``: seconds for one request."""
        self._timeout = timeout
        self._poster = poster
        self._turns: SimpleQueue[tuple[float, int, Turn]] = SimpleQueue()
        self._serial = count()
        self._unstarted = deque([True])
        self._in_flight: deque[Settle] = deque()
        self._worker = threading.Thread(target=self._work, name="asyncsentry", daemon=True)
        self._ended: Future[None] = Future()
        self._closed = False

    def later(self, delay: float, turn: Turn) -> bool:
        """Hand the turn to the thread; False where none can be started any more, as when Python is ending."""
        if self._closed or not self._start():
            return False
        self._turns.put((time.monotonic() + delay, next(self._serial), turn))
        return True

    def send(self, request: Request, settle: Settle) -> None:
        """Send now, and settle before returning: nothing else waits for this thread."""
        if self._closed:
            settle(NoResponse(Cancelled("the transport was closed"), sent=False))
            return
        self._in_flight.append(settle)
        outcome = self._poster.post(request, self._timeout)
        if self._closed and isinstance(outcome, NoResponse):
            outcome = NoResponse(Cancelled("the transport was closed"), outcome.sent)
        self._settle(outcome)

    def wait(self, idle: Future[None], timeout: float) -> bool:
        """Block until ``idle``."""
        return bool(wait([idle], timeout).done)

    def close(self, idle: Future[None], timeout: float) -> bool:
        """Block until ``idle``, then end the thread, cutting its post short."""
        done = self.wait(idle, timeout)
        self._closed = True
        if self._unstarted:
            return done
        self._turns.put((0.0, next(self._serial), _wake_up))
        self._poster.abort()
        if threading.current_thread() is not self._worker:
            wait([self._ended], PATIENCE)  # only a look-up, or urllib3's connecting, is not cut short
            self._settle(NoResponse(Cancelled("the transport was closed"), sent=True))
        return done

    def _start(self) -> bool:
        try:
            self._unstarted.pop()
        except IndexError:
            return True
        try:
            # Not Thread.start: it takes locks of `threading`, which the code that a handler interrupts may hold.
            _thread.start_new_thread(self._launch, ())
        except RuntimeError:
            self._unstarted.append(True)
            return False
        return True

    def _launch(self) -> None:
        try:
            self._worker.start()
        except RuntimeError:  # Python began to end in between
            self._unstarted.append(True)

    def _work(self) -> None:
        timers: list[tuple[float, int, Turn]] = []
        while not self._closed:
            try:
                heapq.heappush(timers, self._turns.get(timeout=_until(timers)))
            except Empty:
                pass
            while timers and timers[0][0] <= time.monotonic() and not self._closed:
                run(heapq.heappop(timers)[2])
        self._poster.close()
        self._ended.set_result(None)

    def _settle(self, outcome: Response | NoResponse) -> None:
        try:
            settle = self._in_flight.pop()
        except IndexError:  # the other of `send` and `close` has settled it
            return
        settle(outcome)


def _until(timers: list[tuple[float, int, Turn]]) -> float:
    return min(max(0.0, timers[0][0] - time.monotonic()), _LONGEST_SLEEP) if timers else _LONGEST_SLEEP


def _wake_up() -> None:
    """What the thread is given to notice that it is to end."""
