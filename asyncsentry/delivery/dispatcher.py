"""Delivery as a whole: put something in, wait for it to be gone, end."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock, get_native_id
from typing import Any, Final, Protocol

from asyncsentry import process
from asyncsentry.delivery.envelope import Parcel
from asyncsentry.delivery.exchange import Exchange
from asyncsentry.delivery.last_resort import Channel, LastResort, opens
from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.ledger import Account
from asyncsentry.delivery.losses import Counts, Losses, Reason
from asyncsentry.delivery.outbox import Outbox
from asyncsentry.delivery.preparation import Preparation
from asyncsentry.delivery.queue import Entry
from asyncsentry.delivery.turns import READY_WITHIN, Readiness, Turns
from asyncsentry.item import Category, Item
from asyncsentry.transport.protocol import Request, Transport
from asyncsentry.transport.settings import LOOP_SHARE

GRACE: Final = 0.1
"""Seconds that a flush leaves the transport to show that it is at work, before it sends from its own thread."""


class Spool(Protocol):
    """The disk that keeps what cannot be delivered now."""

    def start(self, arm: Callable[[], object]) -> None: ...
    def wake(self) -> None: ...
    def catch_up(self) -> bool: ...
    def save(self) -> None: ...
    def leave(self) -> None: ...
    def leave_behind(self) -> None: ...


ANOTHER: Final = 0
"""The number of no thread."""

logger = logging.getLogger("asyncsentry")


class Dispatcher:
    """Brings what is in an outbox to the server. All of it may be called from any thread, and none of it raises."""

    def __init__(
        self,
        outbox: Outbox,
        losses: Losses,
        transport: Transport[Any],
        *,
        encode: Callable[[Lease], Request | Parcel],
        stages: Sequence[Callable[[Item], Item]],
        squeeze: Callable[[Item], Item],
        open_channel: Callable[[], Channel],
        readiness: Readiness,
        timeout: float,
        now: Callable[[], float] = time.monotonic,
        spool: Spool | None = None,
    ) -> None:
        self.transport = transport
        self.spool = spool
        self._outbox = outbox
        self._losses = losses
        self._exchange = Exchange(outbox, encode, now, spool.wake if spool else bool, stages, squeeze)
        self._readiness = Preparation(readiness)
        self._turns = Turns(outbox, self._exchange, transport, self._readiness, now)
        self._last_resort = LastResort(outbox, self._exchange, open_channel, timeout, now)
        self._now = now
        self._budget: float | None = None
        self._spent = 0.0
        self._last = Lock()
        self._more = False
        """Whether something may have been put since the last delivery began."""
        if spool is not None:
            spool.start(self._arm_for_spool)

    # -- capturing

    def refusal(self, category: Category) -> Reason | None:
        """Why an item of this category would be dropped now, if it would."""
        return self._outbox.refusal(category, self._now())

    @property
    def crowded(self) -> bool:
        """Whether so much waits that the form in which it does so matters."""
        return self._outbox.crowded

    def entry(self, item: Item) -> Entry:
        """What an item is in the queue, to be `put` there; what it lacks is found out from now on."""
        if item.gaps:
            self._readiness.expect(gap.find_out for gap in item.gaps)
        return self._outbox.entry(item, self._now())

    def put_off(self, entry: Entry) -> None:
        """See that an entry is in the queue in the end: Ctrl-C came while it was put there."""
        self._outbox.put_off(entry)

    def put(self, entry: Entry) -> bool:
        """Queue an entry and see that it is sent; False if there was no room for it."""
        taken = self._outbox.put(entry)
        if (spool := self.spool) is not None:
            spool.wake()
        if self._budget is None:
            self._turns.wake()
        else:  # there may be no turns any more
            self._deliver_last()
        return taken

    def wake(self) -> None:
        """See that what was put before is sent: where a loop may be by now."""
        self._turns.rearm()

    def lose(self, reason: Reason, category: Category) -> None:
        """Count what was given up before it was an item, and see that it is reported some time."""
        self._losses.add(reason, category)
        self._turns.remind()

    def losses(self) -> Counts:
        """What has been lost since the start."""
        return self._losses.total()

    def accounts(self) -> dict[Category, Account]:
        """What became of all that was captured, by category."""
        return self._outbox.accounts()

    @property
    def refused(self) -> int:
        """How many envelopes the server refused for good so far, rate limits included."""
        return self._exchange.refused

    def take_failure(self) -> str | None:
        """What went wrong last since this was asked last, in words."""
        return self._exchange.take_failure()

    def _arm_for_spool(self) -> None:
        """See that what the spool has brought back is sent: among greenlets, when a turn has shown where.

        The spool's own thread may have a hub by then, which nobody will ever run: eventlet makes one to open a file.
        """
        if self._turns.home is not None or not process.patched():
            self._turns.arm()

    # -- waiting

    def hasten(self) -> tuple[Future[None], bool]:
        """A latch for all that has been put before this call, losses to report included; whether it is worked on."""
        idle = self._outbox.idle(self._now())
        return idle, idle.done() or self._turns.rearm()

    def forget(self, idle: Future[None]) -> None:
        """Nobody waits for this latch any more."""
        self._outbox.forget(idle)

    def flush(self, timeout: float, *, patient: bool = True) -> bool:
        """Wait, blocking, until all that was put before is settled: right in every style, on a loop's own thread too.

        The transport goes on where it runs elsewhere. Where it cannot (this very thread is its loop, or no loop is
        there), what is left is sent from here. Without patience, a server that does not answer is not waited for.
        """
        deadline = self._now() + timeout
        idle = self._outbox.idle(self._now())
        if not idle.done():
            self._readiness.wait(min(READY_WITHIN, timeout / 2))
            self._deliver(idle, deadline, timeout / 2, patient=patient)
            self.forget(idle)
        return idle.done()

    def _deliver(self, idle: Future[None], deadline: float, patience: float, *, patient: bool) -> None:
        # In a patched program what blocks is one greenlet: what its thread has in flight is as good as in another.
        here = ANOTHER if process.patched() else get_native_id()
        going, hurry = self._turns.nudge(), True
        if self._turns.home == here or _runs_loop():  # nothing goes on here while we block
            self._outbox.reclaim(here)
            going, hurry = False, self._last_resort.drain(idle, deadline, hurry=True, patient=False)
        while not self._others_finish(idle, here, deadline, patience, going=going):
            hurry = self._last_resort.drain(idle, deadline, hurry=hurry, patient=patient)
            others = self._outbox.in_flight(besides=here)  # since then
            going = self._turns.nudge()
            if not others:
                break

    def _others_finish(self, idle: Future[None], here: int, deadline: float, patience: float, *, going: bool) -> bool:
        """Wait while other threads get on, or have something in flight; True if that, or the deadline, was all.

        What they have in flight may never land (a loop that is blocked, or has died), so after ``patience`` seconds
        without any progress it is taken from them; what they begin just now is theirs, or it would be sent twice.
        """
        since = self._now()
        while not idle.done() and (left := deadline - self._now()) > 0:
            if not going and not self._outbox.in_flight(besides=here):
                self._outbox.reclaim(here)
                return False
            progress = self._turns.progress
            opens(idle, min(GRACE, left))
            going = progress != self._turns.progress
            if going:
                since = self._now()
            elif self._now() - since >= patience:
                self._outbox.reclaim()
                return False
        return True

    # -- ending

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
        """Count all that is left, and whatever comes yet, as lost, but for what is on disk; gives how many were lost.

        With a spool this waits for the disk.
        """
        self._budget = 0.0
        left = self._leave()
        self.spool = None
        return left

    def hurry(self, timeout: float) -> bool:
        """Flush when the program is told to end, whenever it does: what time this took, `exit` does not take again.

        False if something was neither delivered nor is on disk.
        """
        began = self._now()
        self._spent = timeout  # whoever interrupts this will not wait at the end either
        done = self.flush(timeout, patient=False)
        self._spent = self._now() - began
        return ((spool := self.spool) is not None and spool.catch_up()) or done

    def exit(self, timeout: float) -> int:
        """Deliver what is left at the end of the process, and from now on whatever is captured, from its own thread.

        Gives how many items had to be given up. The transport is left as it is: the process ends it. For how long the
        end of a loop has just waited for the server in vain, this does not wait again.
        """
        waited = min(self._exchange.waited_in_vain(), timeout * LOOP_SHARE)
        self._budget = max(0.0, timeout - self._spent - waited)
        return self._deliver_last(self._budget)

    def _deliver_last(self, patience: float = 0.0) -> int:
        """All of it together takes no longer than the program said that its end may take.

        One does it at a time: a capture in another thread, or by what a finalizer or a hook does in the midst of this,
        is left to that one. Else it would give up what is under way there. ``patience``: seconds to wait for another.
        """
        left, self._more = 0, True
        while self._more and self._last.acquire(timeout=patience):
            try:
                self._more = False
                budget, began = self._budget or 0.0, self._now()
                self.flush(budget, patient=False)
                self._budget = max(0.0, budget - (self._now() - began))
                if not (self._more and self._budget):
                    left += self._leave()
            finally:
                self._last.release()
        return left

    def _leave(self) -> int:
        """Leave what is not delivered to the disk, and count the rest as lost; gives how many items that were."""
        if (spool := self.spool) is None:
            return self._outbox.give_up(self._now())
        spool.save()
        left = self._outbox.give_up(self._now())
        spool.leave()
        return left

    # -- forking

    def before_fork(self) -> None:
        """Hold the fork while a thread finds out what is to be known: it imports, and the child will not have it."""
        self._readiness.wait(READY_WITHIN)

    def leave_behind(self) -> None:
        """This is a forked child: whatever runs here yet, on a loop that was inherited, is the parent's to do."""
        self._turns.end()
        if self.spool is not None:
            self.spool.leave_behind()


def _runs_loop() -> bool:
    """Whether an asyncio loop runs in this thread, so that waiting here would stop it."""
    running = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)  # it may be in the midst of its import
    return running is not None and running() is not None
