"""Turns: what was captured is sent by a transport, in its style, one request at a time.

A capture arms at most one turn. A turn encodes and sends *one* request, then arms the next for when the outbox has
something to do again. So no pump recurses and every timer has an owner.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, TimeoutError as FutureTimeoutError
from contextvars import Context
from functools import partial
from threading import get_native_id
from typing import Any, Final, Protocol

from asyncsentry.delivery.losses import Counts, Losses, Reason
from asyncsentry.delivery.outbox import Lease, Outbox
from asyncsentry.item import Category, Item
from asyncsentry.transport.protocol import NoResponse, Request, Response, Transport

POSTPONE: Final = 0.005
"""Seconds after which a turn that came before all was ready to send is tried again."""

OVERDUE: Final = 1.0
"""Seconds after which a turn that was armed and did not run is armed again: its loop may have died."""

GRACE: Final = 0.1
"""Seconds that a flush leaves the transport to show that it is at work, before it sends from its own thread."""

SHORTEST_PAUSE: Final = 0.01
"""Seconds that a blocking flush waits at least before it looks again."""

logger = logging.getLogger("asyncsentry")


class Channel(Protocol):
    """The blocking sender of the last resort."""

    def post(self, request: Request, timeout: float) -> Response | NoResponse: ...
    def close(self) -> None: ...


class Readiness(Protocol):
    """Whether everything that is to be sent with an item is known yet."""

    @property
    def known(self) -> bool: ...
    def wait(self, timeout: float) -> None: ...


class Dispatcher:
    """Brings what is in an outbox to the server. All of it may be called from any thread, and none of it raises."""

    def __init__(
        self,
        outbox: Outbox,
        losses: Losses,
        transport: Transport[Any],
        *,
        encode: Callable[[Lease], Request],
        open_channel: Callable[[], Channel],
        readiness: Readiness,
        timeout: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.transport = transport
        self._outbox = outbox
        self._losses = losses
        self._encode = encode
        self._open_channel = open_channel
        self._readiness = readiness
        self._timeout = timeout
        self._now = now
        self._soon: float | None = None
        self._alarm: float | None = None
        self._turns = 0
        self._home: int | None = None
        self._ending: float | None = None
        self._failure: str | None = None

    # -- capturing

    def refusal(self, category: Category) -> Reason | None:
        """Why an item of this category would be dropped now, if it would."""
        return self._outbox.refusal(category, self._now())

    def put(self, item: Item) -> None:
        """Queue an item and see that it is sent."""
        self._outbox.put(item, self._now())
        if self._ending is None:
            self._arm()
        else:  # there may be no turns any more
            self.flush(self._ending, patient=False)

    def lose(self, reason: Reason, category: Category) -> None:
        """Count what was given up before it was an item, and see that it is reported some time."""
        self._losses.add(reason, category)
        if self._alarm is None:
            self._arm()

    # -- turns

    def _arm(self) -> bool:
        """See that a turn runs when there is something to do; False if the transport has nowhere to run it."""
        now = self._now()
        delay = self._outbox.due(now)
        if delay is None:
            return True
        return self._arm_soon(now) if delay <= 0 else self._arm_alarm(now, now + delay)

    def _arm_soon(self, now: float) -> bool:
        if self._soon is None or now - self._soon > OVERDUE:
            self._soon = now
            if not self._later(0.0, self._run_soon):
                self._soon = None
                return False
        return True

    def _arm_alarm(self, now: float, when: float) -> bool:
        if self._alarm is None or when < self._alarm or now - self._alarm > OVERDUE:
            self._alarm = when
            if not self._later(when - now, partial(self._run_alarm, when)):
                self._alarm = None
                return False
        return True

    def _later(self, delay: float, turn: Callable[[], None]) -> bool:
        try:
            return self.transport.later(delay, turn)
        except Exception:
            logger.debug("the transport failed to take a turn", exc_info=True)
            return False

    def _run_soon(self) -> None:
        self._soon = None
        Context().run(self._turn)

    def _run_alarm(self, alarm: float) -> None:
        if self._alarm == alarm:
            self._alarm = None
        Context().run(self._turn)

    def _turn(self) -> None:
        self._turns += 1
        self._home = get_native_id()
        if not self._readiness.known and self._postpone():
            return
        lease = self._outbox.next(self._now(), self._home)
        if lease is not None:
            self._send(lease)
        self._arm()

    def _postpone(self) -> bool:
        """Try again in a moment; False where the style has no timers, as its user chose to wait."""
        self._soon = self._now()
        if self._later(POSTPONE, self._run_soon):
            return True
        self._soon = None
        self._readiness.wait(self._timeout)
        return False

    def _send(self, lease: Lease) -> None:
        request = self._request(lease)
        if request is None:
            return
        try:
            self.transport.send(request, partial(self._settle, lease))
        except Exception as error:
            self._settle(lease, NoResponse(error, sent=False))

    def _request(self, lease: Lease) -> Request | None:
        try:
            return self._encode(lease)
        except Exception:
            logger.debug("an item could not be encoded", exc_info=True)
            self._outbox.spoil(lease, self._now())
            return None

    def _settle(self, lease: Lease, outcome: Response | NoResponse) -> None:
        self._note(outcome)
        self._outbox.settle(lease, outcome, self._now())
        self._arm()

    def _note(self, outcome: Response | NoResponse) -> None:
        if isinstance(outcome, NoResponse):
            self._failure = f"no answer: {outcome.error!r}"
            logger.debug("an envelope got no answer: %r", outcome.error)
        elif outcome.status >= 300:
            reason = outcome.headers.get("x-sentry-error") or outcome.body.decode("utf-8", "replace")
            self._failure = f"status {outcome.status}: {reason}"
            level = logging.ERROR if outcome.status == 413 else logging.DEBUG
            logger.log(level, "the server refused an envelope with status %d: %s", outcome.status, reason)

    def take_failure(self) -> str | None:
        """What went wrong last since this was asked last, in words."""
        failure, self._failure = self._failure, None
        return failure

    # -- waiting

    def hasten(self) -> tuple[Future[None], bool]:
        """A latch for all that has been put before this call, losses to report included; whether it is worked on."""
        now = self._now()
        self._outbox.hasten(now)
        idle = self._outbox.idle(now)
        return idle, self._arm()

    def flush(self, timeout: float, *, patient: bool = True) -> bool:
        """Wait, blocking, until all that was put before is settled: right in every style, on a loop's own thread too.

        The transport goes on where it runs elsewhere. Where it cannot (this very thread is its loop, or no loop is
        there), what is left is sent from here. Without patience, a server that does not answer is not waited for.
        """
        deadline = self._now() + timeout
        idle, _ = self.hasten()
        here = get_native_id()
        if self._goes_on_elsewhere(idle, here, deadline):
            return True
        self._drain(idle, here, deadline, patient=patient)
        if patient or self._outbox.in_flight(besides=here):
            _wait(idle, deadline - self._now())
        return idle.done()

    def close(self, timeout: float) -> None:
        """Flush, end the transport, and count what is left as lost."""
        deadline = self._now() + timeout
        self.flush(timeout, patient=False)
        self.end(max(0.0, deadline - self._now()))
        self.give_up()

    def end(self, timeout: float) -> Any:
        """Have the transport end what it started; gives what it gives to wait for that."""
        try:
            return self.transport.close(self._outbox.idle(self._now()), timeout)
        except Exception:
            logger.debug("the transport failed to close", exc_info=True)
            return None

    def give_up(self) -> int:
        """Count all that is left as lost; gives how many items that were."""
        return self._outbox.give_up(self._now())

    def losses(self) -> Counts:
        """What has been lost since the start."""
        return self._losses.total()

    def exit(self, timeout: float) -> int:
        """Deliver what is left at the end of the process, and from now on whatever is captured, from its own thread.

        Gives how many items had to be given up. The transport is left as it is: the process ends it.
        """
        self._ending = timeout
        self.flush(timeout, patient=False)
        return self.give_up()

    def _goes_on_elsewhere(self, idle: Future[None], here: int, deadline: float) -> bool:
        """Wait for as long as another thread is seen at work; True if that emptied the outbox."""
        while (left := deadline - self._now()) > 0 and self._home != here and not _runs_loop():
            turns = self._turns
            if _wait(idle, min(GRACE, left)):
                return True
            if turns == self._turns and not self._outbox.in_flight(besides=here):
                return False
        return idle.done()

    def _drain(self, idle: Future[None], here: int, deadline: float, *, patient: bool) -> None:
        """Send what is left from this thread: what waits, and what its own loop has in flight and cannot finish."""
        self._outbox.reclaim(here)
        self._readiness.wait(deadline - self._now())
        channel = self._open_channel()
        hurry = True
        try:
            while not idle.done() and (left := deadline - self._now()) > 0:
                lease = self._outbox.next(self._now(), here, hurry=hurry)
                if lease is not None:
                    hurry = self._post(lease, channel, min(left, self._timeout))
                    continue
                pause = self._outbox.due(self._now())
                if pause is None or not patient:
                    return
                _wait(idle, min(left, max(pause, SHORTEST_PAUSE)))
        finally:
            channel.close()

    def _post(self, lease: Lease, channel: Channel, timeout: float) -> bool:
        """Send one lease, blocking. False if there was no answer: the next waits for the back-off."""
        request = self._request(lease)
        if request is None:
            return True
        outcome = channel.post(request, timeout)
        self._note(outcome)
        self._outbox.settle(lease, outcome, self._now())
        return isinstance(outcome, Response)


def _runs_loop() -> bool:
    """Whether an asyncio loop runs in this thread, so that waiting here would stop it."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


def _wait(idle: Future[None], timeout: float) -> bool:
    try:
        idle.result(max(0.0, timeout))
    except FutureTimeoutError:
        return False
    return True
