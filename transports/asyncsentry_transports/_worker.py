"""Turns one after the other, in a daemon thread; and in more such threads, while all that are there send.

One thread at a time has the lead: it waits for turns and runs them. As soon as one of them has something to send, it
leaves the lead to whoever takes it up, sends, and takes it up again itself. Another thread is started only for a turn
that is due while all of them may be sending, and ends when one of them is back, unless it had something to send, too.
So a program whose events come one by one has one connection.
"""

from __future__ import annotations

import _thread
import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from contextvars import copy_context
from itertools import count

from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry_transports._flight import Flight
from asyncsentry_transports._patience import PATIENCE
from asyncsentry_transports._poster import Poster
from asyncsentry_transports._turns import run

_AGAIN = 0.1
"""Seconds after which posts are cut short once more: in a thread that is about to connect there is nothing to cut."""
_IDLE = 2.0
"""Seconds without the lead after which a thread ends: another has it."""
_LONGEST_SLEEP = 3600.0


class Worker:
    """Runs turns and sends in a thread that starts with the first turn, and in ``max_in_flight`` at the most.

    ``later`` waits for no lock, so it is safe in signal handlers and finalizers: it tries one, or releases one. What
    waits for some time at most waits for a lock, too: on Python 3.10 a `SimpleQueue` may forget the limit.
    """

    def __init__(self, make_poster: Callable[[], Poster], settings: Settings) -> None:
        """``make_poster`` makes one for each thread, and never raises."""
        self._make_poster = make_poster
        self._timeout = settings.timeout
        self._most = settings.max_in_flight
        self._turns: deque[tuple[float, int, Turn]] = deque()
        self._serial = count()
        self._bell = threading.Lock()  # released when there is something new among them
        self._lead = threading.Lock()
        self._timers: list[tuple[float, int, Turn]] = []  # for who has the lead, as is the next
        self._asked: list[Callable[[Poster], None]] = []
        self._starting = _thread.RLock()
        self._unstartable = False
        self._threads: set[threading.Thread] = set()  # that run turns, or will
        self._ends: dict[threading.Thread, Future[None]] = {}  # of those that are there at all
        self._sending: set[Poster] = set()
        self._back: set[Poster] = set()  # of the threads that have sent and wait for the lead
        self._flights: dict[Flight, Settle] = {}
        self._closed = False

    def later(self, delay: float, turn: Turn) -> bool:
        """Hand the turn to a thread; False where none can be started any more, as when Python is ending."""
        if self._closed or not (self._threads or self._recruit()):
            return False
        self._turns.append((time.monotonic() + delay, next(self._serial), turn))
        _release(self._bell)
        if delay < self._timeout:
            self._recruit()
        return True

    def send(self, request: Request, settle: Settle) -> None:
        """Have the turn's thread send as soon as the turn is over."""
        flight = Flight(self._flights, _nothing)
        self._flights[flight] = settle
        # In the turn's context: what a library logs while it sends for us is not the application's.
        context = copy_context()
        self._asked.append(lambda poster: context.run(self._post, request, flight, poster))
        if self._closed:
            flight.cancel("the transport was closed")

    def wait(self, idle: Future[None], timeout: float) -> bool:
        """Block until ``idle``."""
        return bool(wait([idle], timeout).done)

    def close(self, idle: Future[None], timeout: float) -> bool:
        """Block until ``idle``, then end the threads, cutting their posts short."""
        done = self.wait(idle, timeout)
        self._closed = True
        _release(self._bell)
        patience = 0.0 if threading.current_thread() in self._threads else PATIENCE
        self._end_threads(time.monotonic() + patience)
        for flight in list(self._flights):
            flight.cancel("the transport was closed")
        return done

    def _recruit(self) -> bool:
        """Start a thread if all that are there send, and one more may; False where there is none after that."""
        while self._is_short():  # looked at again: who found the door shut relies on that
            if not self._try_start():
                break
        return bool(self._threads) or not self._unstartable

    def _is_short(self) -> bool:
        return len(self._sending) >= len(self._threads) < self._most

    def _try_start(self) -> bool:
        """Start a thread if one is still needed; False if none can be started, or somebody else is about to."""
        try:
            # In here, as Ctrl-C may come between getting the lock and knowing that.
            if not self._starting.acquire(blocking=False):
                return False
            self._unstartable = self._is_short() and not self._start()
            return not self._unstartable
        finally:
            with suppress(RuntimeError):  # it is another's
                self._starting.release()

    def _start(self) -> bool:
        launched: Future[None] = Future()
        ended: Future[None] = Future()
        thread = threading.Thread(target=self._work, args=(launched, ended), name="asyncsentry", daemon=True)
        started = False
        try:
            self._ends[thread] = ended
            self._threads.add(thread)
            # Not Thread.start: it takes locks of `threading`, which the code that a handler interrupts may hold.
            _thread.start_new_thread(self._launch, (thread, launched))
            started = True
        except RuntimeError:  # Python is ending, or there is no room for another
            return False
        finally:  # also when Ctrl-C comes in between
            if not started:
                self._forget(thread)
        return True

    def _launch(self, thread: threading.Thread, launched: Future[None]) -> None:
        try:
            thread.start()
        except RuntimeError:  # that began in between
            self._forget(thread)
        finally:
            launched.set_result(None)

    def _forget(self, thread: threading.Thread) -> None:
        self._threads.discard(thread)
        self._ends.pop(thread, None)

    def _work(self, launched: Future[None], ended: Future[None]) -> None:
        poster = self._make_poster()
        has_sent = False
        while self._take_lead(poster, has_sent=has_sent):
            sends = self._run_turns(keeps_watch=not has_sent)
            self._sending.add(poster)
            self._lead.release()
            if not sends:
                break
            self._recruit_if_due()
            for send in sends:
                send(poster)
            self._sending.discard(poster)
            has_sent = True
        poster.close()
        self._threads.discard(threading.current_thread())
        self._sending.discard(poster)
        self._recruit_if_due()  # whoever came just now counted on this thread
        launched.result()  # a thread that Python's end cuts off never lets go of what it holds: that of the launch, too
        ended.set_result(None)
        self._ends.pop(threading.current_thread(), None)

    def _take_lead(self, poster: Poster, *, has_sent: bool) -> bool:
        """Wait for the lead; False if others had it all the time, or all is over."""
        if has_sent:
            _release(self._bell)
        try:
            return not self._closed and self._lead.acquire(timeout=_IDLE)
        finally:
            self._back.discard(poster)

    def _run_turns(self, *, keeps_watch: bool) -> list[Callable[[Poster], None]]:
        """Run those that are due, and wait for more, until one has something to send: gives what that is.

        Nothing if all is over, or if this thread only ``keeps_watch`` and one is back that has a connection.
        """
        while not (self._asked or self._closed or (keeps_watch and self._back)):
            while self._turns:
                heapq.heappush(self._timers, self._turns.popleft())
            seconds = _until(self._timers)
            if seconds > 0:
                self._bell.acquire(timeout=seconds)
            else:
                run(heapq.heappop(self._timers)[2])
        sends, self._asked = self._asked, []
        return sends

    def _recruit_if_due(self) -> None:
        """Do so if a turn may be due before the sends are over."""
        pending = [*self._timers[:1], *self._turns.copy()]
        if not self._closed and pending and min(pending)[0] < time.monotonic() + self._timeout:
            self._recruit()

    def _post(self, request: Request, flight: Flight, poster: Poster) -> None:
        if self._closed:
            flight.cancel("the transport was closed")
            return
        flight.sent = True  # if it is cancelled now, nobody knows
        self._sending.add(poster)
        outcome = poster.post(request, self._timeout)
        # Now, and not after what settling brings about: that may be the next turn.
        self._sending.discard(poster)
        self._back.add(poster)
        if self._closed and isinstance(outcome, NoResponse):
            outcome = NoResponse(Cancelled("the transport was closed"), outcome.sent)
        flight.settle(outcome)

    def _end_threads(self, deadline: float) -> None:
        ends: dict[threading.Thread, Future[None]] = {}
        left = 1.0
        while left > 0:
            for poster in list(self._sending):
                poster.abort()
            ends.update(self._ends)
            left = deadline - time.monotonic()
            if not wait(ends.values(), max(0.0, min(left, _AGAIN))).not_done:
                break
        for thread, ended in ends.items():
            if ended.done():
                thread.join()  # it has nothing left to do


def _until(timers: list[tuple[float, int, Turn]]) -> float:
    return min(max(0.0, timers[0][0] - time.monotonic()), _LONGEST_SLEEP) if timers else _LONGEST_SLEEP


def _release(lock: threading.Lock) -> None:
    """Release a lock, if it is not released already."""
    with suppress(RuntimeError):
        lock.release()


def _nothing() -> None:
    """What is to be done when a flight has landed."""
