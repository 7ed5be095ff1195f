"""The outbox: what is waiting, what is on its way, and when to do something about it.

Pure: it sends nothing and starts nothing, and the clock is passed in. Here is the turnstile, inside is the `Clerk`.
An item is put, leased in a `Lease`, and settled; a lease that nobody settles is reclaimed. Two rules:

1. A lease settles once. What comes late (the answer to a lease that was reclaimed in the meantime) still teaches the
   rate limits, and takes its items out of the queue if they did arrive; else it changes nothing.
2. At least once, for each item: what carries an id is sent again after an unknown outcome; what carries none only if
   surely nothing of it had left.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from asyncsentry import own
from asyncsentry.delivery.clerk import Clerk
from asyncsentry.delivery.files import Files
from asyncsentry.delivery.latches import new_latch
from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.ledger import Account
from asyncsentry.delivery.losses import Losses, Reason
from asyncsentry.delivery.queue import Entry
from asyncsentry.delivery.retry import Backoff
from asyncsentry.delivery.turnstile import PATIENCE, Answer, NoAnswer, Turnstile
from asyncsentry.item import Category, Item
from asyncsentry.transport.protocol import NoResponse, Response


class Outbox:
    """All that one client has to deliver.

    ``queue_bytes`` bounds what waits, ``max_in_flight`` the leases, ``patience`` is the age in seconds at which a
    lease is given up on, ``wall`` the time of day. ``send_reports`` is whether the server is told of losses,
    ``spooling`` whether what has an id is to be on disk as well.
    """

    def __init__(
        self,
        losses: Losses,
        *,
        queue_bytes: int,
        max_in_flight: int,
        patience: float,
        wall: Callable[[], float] = time.time,
        send_reports: bool = True,
        backoff: Backoff | None = None,
        spooling: bool = False,
    ) -> None:
        self._clerk = clerk = Clerk(
            losses,
            queue_bytes,
            max_in_flight,
            patience,
            wall,
            backoff or Backoff(),
            send_reports=send_reports,
            spooling=spooling,
        )
        self._turnstile = Turnstile(clerk.mend)
        self._told: dict[Category, Account] = {}
        self.files = Files(self._turnstile, clerk.queue, clerk.book, clerk.limits, clerk.failing)

    # -- capturing: these never wait

    def refusal(self, category: Category, now: float) -> Reason | None:
        """Why an item of this category would be dropped now, if it would: cheap, and asked before it is made."""
        if self._clerk.limits.limited(category, now):
            return "ratelimit_backoff"
        return "queue_overflow" if self._clerk.queue.full(category) else None

    @property
    def crowded(self) -> bool:
        """Whether many items wait. Right without a lock, within a moment."""
        return self._clerk.queue.crowded

    def entry(self, item: Item, now: float) -> Entry:
        """What an item is in here, to be `put`."""
        return Entry(item, 0, now)

    def put(self, entry: Entry) -> bool:
        """Take an entry; from anywhere. False if there was no room for it: it is counted."""
        refused: list[Entry] = []
        self._turnstile.do(partial(self._clerk.put, entry, refused))
        return not refused

    def put_off(self, entry: Entry) -> None:
        """Have an entry put by whoever comes next, if it is not yet: Ctrl-C came while it was put."""
        self._turnstile.put_off(partial(self._clerk.put, entry, []))

    def open(self, now: float) -> bool:
        """Whether what waits may go now. Right without a lock, within a moment."""
        return self._clerk.open(now)

    def due(self, now: float) -> float | None:
        """Seconds until `next` has something to do: 0 if at once, or if that cannot be said now; None if never."""
        seconds = self._turnstile.ask(lambda: self._clerk.due(now), 0.0)
        return 0.0 if self._turnstile.waiting else seconds

    # -- sending

    def first(self, now: float) -> Entry | None:
        """What `next` would lease first, if something may go now."""
        return self._ask(lambda: self._clerk.first(now), None, now)

    def next(self, now: float, thread: int, *, hurry: bool = False) -> Lease | None:
        """Lease what to send now, if there is something and it may go. ``hurry`` waits for no back-off and no other."""
        return self._ask(lambda: self._clerk.next(now, thread, hurry), None, now)

    @property
    def loose(self) -> bool:
        """Whether something that waits could take less room."""
        return self._clerk.queue.loose

    def first_loose(self) -> Entry | None:
        """The oldest of that."""
        return self._turnstile.ask(self._clerk.queue.first_loose, None)

    def squeeze_one(self, squeeze: Callable[[Item], Item]) -> None:
        """Have the oldest of what could take less room take it."""
        entry = self._turnstile.ask(self._clerk.queue.pop_loose, None)
        if entry is not None:
            self.reshape(entry, squeeze)

    def reshape(self, entry: Entry, shape: Callable[[Item], Item]) -> bool:
        """Have an entry's item take another form, unless somebody gives it one meanwhile; False if it has it."""
        before = entry.item
        after = shape(before)
        if after is before:
            return False
        self._turnstile.do(partial(self._clerk.exchange, entry, before, after))
        return True

    def take_over(self, lease: Lease, thread: int) -> bool | None:
        """Have ``thread`` go on with a lease that another may have begun.

        False if it was taken back meanwhile, None if nobody can say now.
        """
        return self._turnstile.ask(lambda: self._clerk.take_over(lease, thread), None, PATIENCE)

    def settle(self, lease: Lease, outcome: Response | NoResponse, now: float) -> None:
        """Say how a lease ended; from anywhere."""
        self._do(partial(self._clerk.settle, lease, outcome, now), now)

    def spoil(self, lease: Lease, now: float) -> None:
        """End a lease whose items cannot be encoded: they are counted, and the losses it was to report are kept."""
        self._do(partial(self._clerk.spoil, lease), now)

    def reclaim(self, thread: int | None = None) -> None:
        """Take back what ``thread`` (or everybody) has on its way: it will not settle any more."""
        self._turnstile.do(partial(self._clerk.reclaim, lambda lease: thread in (None, lease.thread), tried=False))

    def in_flight(self, *, besides: int) -> bool:
        """Whether a thread other than ``besides`` has something on its way."""
        return self._turnstile.ask(lambda: any(lease.thread != besides for lease in self._clerk.leases), True, PATIENCE)

    def give_up(self, now: float) -> int:
        """Count all that is left as lost, but for what is on disk; gives how many items that were."""
        return self._ask(self._clerk.give_up, 0, now)

    # -- looking

    def accounts(self) -> dict[Category, Account]:
        """What became of all that was captured so far, by category.

        In a signal handler that interrupted the outbox itself: what was told when this was asked last.
        """
        self._told = self._turnstile.ask(self._clerk.accounts, self._told, PATIENCE)
        return self._told

    # -- waiting

    def idle(self, now: float) -> Future[None]:
        """A latch that opens when all that has been put before this call is settled.

        And when the losses until then have been reported, unless the server wants no reports now, or did not get one
        that was tried. Let it be forgotten if nobody waits for it any more.
        """
        latch = new_latch()
        self._do(lambda: self._clerk.latches.add(latch, self._clerk.book.number), now)
        return latch

    def forget(self, latch: Future[None]) -> None:
        """Never open this latch."""
        self._turnstile.do(partial(self._clerk.latches.forget, latch))

    # Latches are opened outside the turnstile, as what they call is not ours. A step that found the door shut may be
    # done by somebody who opens none: whoever calls these asks for a turn then, which does.

    def _ask(self, question: Callable[[], Answer], otherwise: NoAnswer, now: float) -> Answer | NoAnswer:
        """The answer, or ``otherwise`` if nobody gets in; then open the latches whose time has come."""
        ready: list[Future[None]] = []

        def answer() -> Answer:
            answered = question()
            ready.extend(self._clerk.take_ready(now))
            return answered

        answered = self._turnstile.ask(answer, otherwise, PATIENCE)
        _open(ready)
        return answered

    def _do(self, step: Callable[[], None], now: float) -> None:
        """Have a step done, as `Turnstile.do` does; then open the latches whose time has come."""
        self._turnstile.put_off(step)
        while (ready := self._turnstile.ask(lambda: self._clerk.take_ready(now), None)) is not None:
            _open(ready)
            if not self._turnstile.waiting:
                break


def _open(latches: list[Future[None]]) -> None:
    for latch in latches:
        own.hand_over(partial(latch.set_result, None))
