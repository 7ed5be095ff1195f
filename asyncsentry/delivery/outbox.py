"""The outbox: what is waiting, what is on its way, and when to do something about it.

Pure: it sends nothing and starts nothing, the clock is passed in, and inside its turnstile nothing foreign is called.
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
from dataclasses import replace
from functools import partial
from typing import Final

from asyncsentry import own
from asyncsentry.delivery.book import Book
from asyncsentry.delivery.files import Files
from asyncsentry.delivery.latches import Latches, new_latch
from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.ledger import Account
from asyncsentry.delivery.limits import Limits, parse_retry_after
from asyncsentry.delivery.losses import Losses, Reason
from asyncsentry.delivery.queue import Entry, Queue
from asyncsentry.delivery.reports import Reports
from asyncsentry.delivery.retry import MAX_AGE, MAX_TRIES, RETRY_STATUSES, Backoff
from asyncsentry.delivery.turnstile import PATIENCE, Turnstile
from asyncsentry.delivery.window import Window
from asyncsentry.item import Category, Item
from asyncsentry.transport.protocol import Cancelled, NoResponse, Response

MAX_RIDERS: Final = 100
"""How many session updates ride in one envelope: what a server takes at the most."""


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
        self._turnstile = Turnstile(self._mend)
        self._queue = Queue(queue_bytes)
        self._leases: dict[Lease, None] = {}
        self._book = Book(losses, spooling=spooling)
        self._latches = Latches()
        self._limits = Limits()
        self._reports = Reports(losses, self._limits, wanted=send_reports)
        self._backoff = backoff or Backoff()
        self._window = Window(max_in_flight)
        self._patience = patience
        self._wall = wall
        self._resume = 0.0
        self._told: dict[Category, Account] = {}
        self.files = Files(self._turnstile, self._queue, self._book, self._limits, self._failing)

    # -- capturing: these never wait

    def refusal(self, category: Category, now: float) -> Reason | None:
        """Why an item of this category would be dropped now, if it would: cheap, and asked before it is made."""
        if self._limits.limited(category, now):
            return "ratelimit_backoff"
        return "queue_overflow" if self._queue.full(category) else None

    def entry(self, item: Item, now: float) -> Entry:
        """What an item is in here, to be `put`."""
        return Entry(item, 0, now)

    def put(self, entry: Entry) -> bool:
        """Take an entry; from anywhere. False if there was no room for it: it is counted."""
        refused: list[Entry] = []
        self._turnstile.do(partial(self._put, entry, refused))
        return not refused

    def put_off(self, entry: Entry) -> None:
        """Have an entry put by whoever comes next, if it is not yet: Ctrl-C came while it was put."""
        self._turnstile.put_off(partial(self._put, entry, []))

    def due(self, now: float) -> float | None:
        """Seconds until `next` has something to do: 0 if at once, or if that cannot be said now; None if never."""
        seconds = self._turnstile.ask(lambda: self._due(now), 0.0)
        return 0.0 if self._turnstile.waiting else seconds

    # -- sending

    def next(self, now: float, thread: int, *, hurry: bool = False) -> Lease | None:
        """Lease what to send now, if there is something and it may go. ``hurry`` waits for no back-off and no other."""
        lease = self._turnstile.ask(lambda: self._next(now, thread, hurry), None, PATIENCE)
        self._announce(now)
        return lease

    def settle(self, lease: Lease, outcome: Response | NoResponse, now: float) -> None:
        """Say how a lease ended; from anywhere."""
        self._turnstile.do(partial(self._settle, lease, outcome, now))
        self._announce(now)

    def spoil(self, lease: Lease, now: float) -> None:
        """End a lease whose items cannot be encoded: they are counted, and the losses it was to report are kept."""
        self._turnstile.do(partial(self._spoil, lease))
        self._announce(now)

    def reclaim(self, thread: int | None = None) -> None:
        """Take back what ``thread`` (or everybody) has on its way: it will not settle any more."""
        self._turnstile.do(partial(self._reclaim, lambda lease: thread in (None, lease.thread), tried=False))

    def in_flight(self, *, besides: int) -> bool:
        """Whether a thread other than ``besides`` has something on its way."""
        return self._turnstile.ask(lambda: any(lease.thread != besides for lease in self._leases), True, PATIENCE)

    def give_up(self, now: float) -> int:
        """Count all that is left as lost, but for what is on disk; gives how many items that were."""
        left = self._turnstile.ask(self._give_up, 0, PATIENCE)
        self._announce(now)
        return left

    # -- looking

    def accounts(self) -> dict[Category, Account]:
        """What became of all that was captured so far, by category.

        In a signal handler that interrupted the outbox itself: what was told when this was asked last.
        """
        self._told = self._turnstile.ask(self._accounts, self._told, PATIENCE)
        return self._told

    # -- waiting

    def idle(self, now: float) -> Future[None]:
        """A latch that opens when all that has been put before this call is settled.

        And when the losses until then have been reported, unless the server wants no reports now, or did not get one
        that was tried. Let it be forgotten if nobody waits for it any more.
        """
        latch = new_latch()
        self._turnstile.do(lambda: self._latches.add(latch, self._book.number))
        self._announce(now)
        return latch

    def forget(self, latch: Future[None]) -> None:
        """Never open this latch."""
        self._turnstile.do(partial(self._latches.forget, latch))

    def _announce(self, now: float) -> None:
        """Open the latches whose time has come: outside the turnstile, as what they call is not ours."""
        for latch in self._turnstile.ask(lambda: self._take_ready(now), ()):
            own.hand_over(partial(latch.set_result, None))

    # -- inside the turnstile

    def _mend(self) -> None:
        """Something was cut off in the middle: what is not settled and not on its way waits again."""
        underway = {entry.number for lease in self._leases for entry in lease.entries}
        self._queue.mend([entry for entry in self._book.left() if entry.number not in underway])

    def _put(self, entry: Entry, refused: list[Entry]) -> None:
        if entry.number:  # it was cut off only then, and is in the queue by now
            return
        self._book.open(entry)
        dropped = self._queue.append(entry)
        refused.extend(each for each in dropped if each is entry)
        self._book.drop(dropped, "queue_overflow")

    def _due(self, now: float) -> float | None:
        if self._first_is_ready(now):
            return 0.0
        times = [lease.deadline for lease in self._leases]
        if len(self._leases) < self._window.size:
            at = now if self._queue else self._reports.due(now)
            if at is not None:
                times.append(max(at, self._resume))
        return max(0.0, min(times) - now) if times else None

    def _next(self, now: float, thread: int, hurry: bool) -> Lease | None:
        self._reclaim(lambda lease: lease.deadline <= now, tried=True)
        if not hurry and (len(self._leases) >= self._window.size or now < self._resume):
            return None
        entries = self._pick(now)
        losses, number = self._reports.take(now, riding=bool(entries))
        if not entries and not losses:
            return None
        lease = Lease(entries, losses, thread, now + self._patience, number, self._backoff.failures)
        self._leases[lease] = None
        return lease

    def _pick(self, now: float) -> list[Entry]:
        while (entry := self._queue.pop()) is not None:
            if now - entry.born > MAX_AGE:
                self._book.drop([entry], "network_error")
            elif self._limits.limited(entry.item.category, now):
                self._book.drop([entry], "ratelimit_backoff")
            else:
                self._strip(entry, now)
                return [entry, *self._riders(entry, now)]
        return []

    def _strip(self, entry: Entry, now: float) -> None:
        """Take the attachments off an event while the server refuses attachments."""
        attachments = entry.item.attachments
        if attachments and self._limits.limited("attachment", now):
            self._book.ledger.lose_attachments("ratelimit_backoff", entry.item)
            entry.item = replace(entry.item, attachments=())

    def _riders(self, entry: Entry, now: float) -> list[Entry]:
        if self._limits.limited("session", now):
            return []
        return self._queue.pop_riders(MAX_RIDERS - (entry.item.category == "session"))

    def _settle(self, lease: Lease, outcome: Response | NoResponse, now: float) -> None:
        if isinstance(outcome, Response):
            self._limits.update(outcome.status, outcome.headers, now, self._wall())
        if lease in self._leases:
            del self._leases[lease]
            self._conclude(lease, outcome, now)
        elif isinstance(outcome, Response) and outcome.status < 300:
            for entry in lease.entries:
                self._queue.discard(entry)
            self._book.remember(lease.entries)

    def _conclude(self, lease: Lease, outcome: Response | NoResponse, now: float) -> None:
        if isinstance(outcome, NoResponse):
            cancelled = isinstance(outcome.error, Cancelled)
            self._retry(lease, sent=outcome.sent, tried=outcome.sent and not cancelled)
            if not cancelled:
                self._back_off(lease, now, None, timed_out=isinstance(outcome.error, TimeoutError))
        elif outcome.status in RETRY_STATUSES:
            self._retry(lease, sent=True, tried=True)
            self._back_off(lease, now, parse_retry_after(outcome.headers.get("retry-after"), self._wall()))
        else:
            self._backoff.succeed()
            if outcome.status < 300:
                self._window.succeed(waiting=bool(self._queue))
            else:
                self._window.fail()
            self._finish(lease, outcome.status, now)

    def _back_off(self, lease: Lease, now: float, asked: float | None, *, timed_out: bool = False) -> None:
        self._window.fail()
        self._resume = max(self._resume, now + self._backoff.fail(lease.failures, asked, timed_out=timed_out))

    def _finish(self, lease: Lease, status: int, now: float) -> None:
        if status < 300:
            self._book.deliver(lease.entries)
        elif status == 429:  # the server itself counts what it refused; a report is refused only with everything else
            self._book.limit(lease.entries)
            if self._limits.limited("internal", now):
                self._reports.restore(lease.losses)
        else:
            self._book.drop(lease.entries, "send_error")
            if lease.entries or status >= 500:  # a report that is refused by itself would be refused for ever
                self._reports.restore(lease.losses)

    def _retry(self, lease: Lease, *, sent: bool, tried: bool) -> None:
        if not sent:
            self._reports.restore(lease.losses)
        for entry in reversed(lease.entries):
            entry.tries += tried
            entry.sent |= sent
            if entry.tries >= MAX_TRIES or (sent and entry.item.id is None):
                self._book.drop([entry], "network_error")
            elif entry in self._book:
                self._queue.put_back(entry)

    def _reclaim(self, condition: Callable[[Lease], bool], *, tried: bool) -> None:
        for lease in [lease for lease in self._leases if condition(lease)]:
            del self._leases[lease]
            self._retry(lease, sent=True, tried=tried)

    def _spoil(self, lease: Lease) -> None:
        if lease in self._leases:
            del self._leases[lease]
            self._reports.restore(lease.losses)
            self._book.drop(lease.entries, "internal_sdk_error")

    def _give_up(self) -> int:
        left = self._book.left()
        for lease in self._leases:
            for entry in lease.entries:
                entry.sent = True
        self._leases.clear()
        for entry in left:
            self._queue.discard(entry)
        return self._book.drop(left, "network_error")

    def _accounts(self) -> dict[Category, Account]:
        return self._book.accounts(self._queue, (entry for lease in self._leases for entry in lease.entries))

    def _failing(self, now: float) -> tuple[bool, bool]:
        """Whether the server failed last, and whether it is left alone now."""
        return self._backoff.failures > 0, now < self._resume

    def _take_ready(self, now: float) -> list[Future[None]]:
        ready = []
        while self._first_is_ready(now):
            ready.append(self._latches.pop())
        return ready

    def _first_is_ready(self, now: float) -> bool:
        wish = self._latches.first(self._book.settled)
        if wish is None:
            return False
        if wish.report is None:  # its items are settled: now the losses until now
            wish.report = self._reports.hasten(now)
        underway = any(0 < lease.report <= wish.report for lease in self._leases)
        return not underway and not self._reports.coming(wish.report, now)
