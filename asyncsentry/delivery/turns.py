"""Turns: what was captured is sent by a transport, in its style, one request at a time.

A capture arms at most one turn. A turn encodes and sends *one* request, or does a piece of the work before that, then
arms the next for when the outbox has something to do again, or for a body that it has compressed and not sent. So no
pump recurses and every timer has an owner. Of several turns that one thread has armed, only the last arms others.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from threading import get_native_id
from typing import Any, Final, Protocol

from asyncsentry import own
from asyncsentry.delivery.envelope import Parcel
from asyncsentry.delivery.exchange import SLICE, Exchange
from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.outbox import Outbox
from asyncsentry.transport.protocol import NoResponse, Request, Response, Transport

MOMENT: Final = 0.005
"""Seconds until a turn that could do nothing yet is tried again."""

REST: Final = 0.1
"""Seconds after which, if nothing can be sent, what waits is squeezed, one item at a time."""

READY_WITHIN: Final = 2.0
"""Seconds for which turns are put off until all is known that is to be sent with an item; then once all was known."""

OVERDUE: Final = 1.0
"""Seconds after which a turn that was armed and did not run is armed again: its loop may have died."""

logger = logging.getLogger("asyncsentry")


class Readiness(Protocol):
    """Whether everything that is to be sent with an item is known yet."""

    @property
    def known(self) -> bool: ...
    def find_out(self) -> None: ...
    def wait(self, timeout: float) -> None: ...


class Preparing(Readiness, Protocol):
    """The same, where there may be more to do before something is sent."""

    def expect(self, steps: Iterable[Callable[[], None]]) -> None: ...


class Turns:
    """Has a transport send what is in an outbox. May be used from any thread; nothing raises."""

    def __init__(
        self,
        outbox: Outbox,
        exchange: Exchange,
        transport: Transport[Any],
        readiness: Preparing,
        now: Callable[[], float],
    ) -> None:
        self.home: int | None = None
        """The thread of the latest turn."""
        self.progress = 0
        """Grows with each send, each settlement, and each piece of work before them."""
        self._outbox = outbox
        self._exchange = exchange
        self._transport = transport
        self._readiness = readiness
        self._now = now
        self._soon: float | None = None
        self._latest = 0
        self._armed_by = 0
        self._alarm: float | None = None
        self._put_off_at: float | None = None
        self._parcels: deque[tuple[Lease, Parcel]] = deque()
        self._rest: float | None = None
        self._ended = False

    def wake(self) -> None:
        """Something was put: see that a turn runs, unless one is about to, which will look for itself."""
        now = self._now()
        if _may_arm(self._soon, now):
            if self._outbox.open(now):
                self._arm_soon(now, 0.0)
            else:
                self.arm()

    def remind(self) -> None:
        """Something was lost, which is to be told some time: see that a turn runs then, unless one comes anyway."""
        if self._alarm is None and _may_arm(self._soon, self._now()):
            self.arm()

    def arm(self, pause: float = 0.0) -> bool:
        """See that a turn runs when there is something to do, or ``pause`` seconds from now if that is later.

        False if there is something to do, and the transport has nowhere to do it.
        """
        now = self._now()
        delay = 0.0 if self._parcels else self._outbox.due(now)
        if delay is None:
            return True
        if delay <= pause:
            return self._arm_soon(now, pause)
        self._arm_rest(now)
        return self._arm_alarm(now, now + delay)

    def rearm(self, pause: float = 0.0) -> bool:
        """The same, whatever was armed before: that may be on a loop that has died."""
        self._soon = None
        return self.arm(pause)

    def nudge(self) -> bool:
        """The same, a moment later, so that no style does it here and now."""
        return self.rearm(MOMENT)

    def end(self) -> None:
        """Do no more: what was armed already finds nothing to do."""
        self._ended = True

    def _arm_soon(self, now: float, pause: float) -> bool:
        return not _may_arm(self._soon, now) or self._arm_another(now, pause)

    def _arm_another(self, now: float, pause: float) -> bool:
        """Arm one whatever is armed: that may be on another loop, which is held up or has died."""
        self._soon, self._latest, self._armed_by = now, (number := self._latest + 1), get_native_id()
        if self._later(pause, partial(self._run_soon, number)):
            return True
        self._soon = None
        return False

    def _arm_alarm(self, now: float, when: float) -> bool:
        alarm = self._alarm
        if alarm is None or when < alarm or now - alarm > OVERDUE:
            self._alarm = when
            if not self._later(when - now, partial(self._run_alarm, when)):
                self._alarm = None
                return False
        return True

    def _arm_rest(self, now: float, pause: float = REST) -> None:
        if _may_arm(self._rest, now) and self._outbox.loose:
            self._rest = now if self._later(pause, self._run_rest) else None

    def _later(self, delay: float, turn: Callable[[], None]) -> bool:
        try:
            return not self._ended and self._transport.later(delay, turn)
        except Exception:
            logger.debug("the transport failed to take a turn", exc_info=True)
            return False

    def _run_soon(self, number: int) -> None:
        # Only to one of its own thread may a turn leave it to go on: another's loop may be held up, or dead.
        if number == self._latest or self._armed_by != get_native_id():
            self._soon = None
        own.work(self._turn)

    def _run_alarm(self, alarm: float) -> None:
        if self._alarm == alarm:
            self._alarm = None
        own.work(self._turn)

    def _run_rest(self) -> None:
        self._rest = None
        if not self._ended and self._readiness.known:
            own.work(self._exchange.rest)
            self._arm_rest(self._now(), MOMENT)

    def _turn(self) -> None:
        here, begun = get_native_id(), self._now()
        self.home = here
        if self._ended or (not self._has_ready_parcel() and self._put_off()):
            return
        parcel = self._next_parcel(here)
        pause = self._exchange.prepare() if parcel is None else None
        if pause is not None and self._arm_soon(self._now(), pause):
            self.progress += 1
            return
        work = parcel or self._exchange.begin(here)
        if work is None:
            self.arm(MOMENT)
            return
        lease, request = work
        if not isinstance(request, Parcel):
            self._send(lease, request)
            self.arm()
            return
        self._compress(lease, request)
        # If this has taken long, another turn sends it. Else this turn does, unless it can put off what a thread does.
        if self._now() < begun + SLICE or not self._arm_another(self._now(), 0.0):
            self._turn()

    def _compress(self, lease: Lease, parcel: Parcel) -> None:
        """Have a body compressed: a large one by a thread, which is waited for before it is sent."""
        lease.waits = True
        self.progress += 1
        if not parcel.large:
            parcel.compress()
        self._parcels.append((lease, parcel))
        if parcel.large:
            self._readiness.expect([parcel.compress])

    def _has_ready_parcel(self) -> bool:
        try:
            return self._parcels[0][1].ready
        except IndexError:  # also if another thread was quicker
            return False

    def _next_parcel(self, here: int) -> tuple[Lease, Request] | None:
        """One whose body is compressed, or has had the time to be, if nobody took it back meanwhile."""
        while True:
            try:
                lease, parcel = self._parcels.popleft()
            except IndexError:
                return None
            taken = self._outbox.take_over(lease, here)
            if taken is None:  # a signal handler, in the midst of the outbox
                self._parcels.appendleft((lease, parcel))
                return None
            if taken and (request := self._exchange.take(lease, parcel)) is not None:
                return lease, request

    def _put_off(self) -> bool:
        """Whether to leave all to a later turn, as not all is known yet. Where the style has no timers, wait."""
        if self._readiness.known:
            self._put_off_at = None
            return False
        self._readiness.find_out()
        now = self._now()
        since = self._put_off_at
        if since is None:
            self._put_off_at = since = now
        left = since + READY_WITHIN - now
        if left <= 0:
            return False
        if self._arm_another(now, MOMENT):
            return True
        self._readiness.wait(left)
        return False

    def _send(self, lease: Lease, request: Request) -> None:
        self.progress += 1
        try:
            self._transport.send(request, partial(self._settle, lease))
        except Exception as error:  # who knows how far it came
            self._settle(lease, NoResponse(error, sent=True))

    def _settle(self, lease: Lease, outcome: Response | NoResponse) -> None:
        self.progress += 1
        self._exchange.end(lease, outcome)
        self.arm()


def _may_arm(armed: float | None, now: float) -> bool:
    """Whether a turn is to be armed, as none was or what was armed did not run. ``armed`` changes in other threads."""
    return armed is None or now - armed > OVERDUE
