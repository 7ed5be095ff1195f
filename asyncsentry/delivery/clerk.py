"""What is done inside the outbox's turnstile, by one thread at a time: the clerk knows all that is under way.

Nothing foreign is called here, and the clock is passed in. Ctrl-C may cut any of it off in the middle: then `mend` is
called, and the step once more, see `Turnstile`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from asyncsentry.delivery.book import Book
from asyncsentry.delivery.latches import Latches
from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.ledger import Account
from asyncsentry.delivery.limits import Limits, parse_retry_after
from asyncsentry.delivery.losses import Losses, Reason
from asyncsentry.delivery.queue import Entry, Queue
from asyncsentry.delivery.reports import Reports
from asyncsentry.delivery.retry import MAX_AGE, MAX_TRIES, RETRY_STATUSES, Backoff
from asyncsentry.delivery.window import Window
from asyncsentry.item import Category, Item
from asyncsentry.transport.protocol import Cancelled, NoResponse, Response

MAX_RIDERS: Final = 100
"""How many session updates ride in one envelope: what a server takes at the most."""


class Clerk:
    """Decides what goes next, and what becomes of what has gone. The arguments are the outbox's."""

    def __init__(
        self,
        losses: Losses,
        queue_bytes: int,
        max_in_flight: int,
        patience: float,
        wall: Callable[[], float],
        backoff: Backoff,
        *,
        send_reports: bool,
        spooling: bool,
    ) -> None:
        self.queue = Queue(queue_bytes)
        self.leases: dict[Lease, None] = {}
        self.book = Book(losses, spooling=spooling)
        self.latches = Latches()
        self.limits = Limits()
        self._reports = Reports(losses, self.limits, wanted=send_reports)
        self._backoff = backoff
        self._window = Window(max_in_flight)
        self._patience = patience
        self._wall = wall
        self._resume = 0.0

    def mend(self) -> None:
        """Something was cut off in the middle: what is not settled and not on its way waits again."""
        underway = {entry.number for lease in self.leases for entry in lease.entries}
        self.queue.mend([entry for entry in self.book.left() if entry.number not in underway])

    def put(self, entry: Entry, refused: list[Entry]) -> None:
        if entry.number:  # it was cut off only then, and is in the queue by now
            return
        self.book.open(entry)
        dropped = self.queue.append(entry)
        if dropped:
            refused.extend(each for each in dropped if each is entry)
            self.book.drop(dropped, "queue_overflow")

    def exchange(self, entry: Entry, before: Item, after: Item) -> None:
        if entry.item is before:  # else somebody has given it another form meanwhile
            self.queue.exchange(entry, after)

    def open(self, now: float) -> bool:
        """Whether the server is not left alone now, and there is room for one more request."""
        return now >= self._resume and len(self.leases) < self._window.size

    def due(self, now: float) -> float | None:
        if self._first_is_ready(now):
            return 0.0
        if self.queue and self.open(now):
            return 0.0
        times = [lease.deadline for lease in self.leases]
        if len(self.leases) < self._window.size:
            at = now if self.queue else self._reports.due(now)
            if at is not None:
                times.append(max(at, self._resume))
        return max(0.0, min(times) - now) if times else None

    def first(self, now: float) -> Entry | None:
        return self._first_wanted(now) if self.open(now) else None

    def next(self, now: float, thread: int, hurry: bool) -> Lease | None:
        self.reclaim(lambda lease: lease.deadline <= now, tried=True)
        if not hurry and not self.open(now):
            return None
        entries = self._pick(now)
        losses, number = self._reports.take(now, riding=bool(entries))
        if not entries and not losses:
            return None
        lease = Lease(entries, losses, thread, now + self._patience, number, self._backoff.failures)
        self.leases[lease] = None
        return lease

    def _pick(self, now: float) -> list[Entry]:
        entry = self._first_wanted(now)
        if entry is None:
            return []
        self.queue.discard(entry)
        self._strip(entry, now)
        return [entry, *self._riders(entry, now)]

    def _first_wanted(self, now: float) -> Entry | None:
        """The first entry that is still to be sent; what comes before it is dropped."""
        while (entry := self.queue.first()) is not None and (reason := self._refusal(entry, now)) is not None:
            self.queue.discard(entry)
            self.book.drop([entry], reason)
        return entry

    def _refusal(self, entry: Entry, now: float) -> Reason | None:
        if now - entry.born > MAX_AGE:
            return "network_error"
        return "ratelimit_backoff" if self.limits.limited(entry.item.category, now) else None

    def _strip(self, entry: Entry, now: float) -> None:
        """Take the attachments off an event while the server refuses attachments."""
        attachments = entry.item.attachments
        if attachments and self.limits.limited("attachment", now):
            self.book.ledger.lose_attachments("ratelimit_backoff", entry.item)
            entry.item = entry.item._replace(attachments=())

    def _riders(self, entry: Entry, now: float) -> list[Entry]:
        if self.limits.limited("session", now):
            return []
        return self.queue.pop_riders(MAX_RIDERS - (entry.item.category == "session"))

    def take_over(self, lease: Lease, thread: int) -> bool:
        lease.thread, lease.waits = thread, False
        return lease in self.leases

    def settle(self, lease: Lease, outcome: Response | NoResponse, now: float) -> None:
        if isinstance(outcome, Response):
            self.limits.update(outcome.status, outcome.headers, now, self._wall())
        if lease in self.leases:
            del self.leases[lease]
            self._conclude(lease, outcome, now)
        elif isinstance(outcome, Response) and outcome.status < 300:
            for entry in lease.entries:
                self.queue.discard(entry)
            self.book.remember(lease.entries)

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
                self._window.succeed(waiting=bool(self.queue))
            else:
                self._window.fail()
            self._finish(lease, outcome.status, now)

    def _back_off(self, lease: Lease, now: float, asked: float | None, *, timed_out: bool = False) -> None:
        self._window.fail()
        self._resume = max(self._resume, now + self._backoff.fail(lease.failures, asked, timed_out=timed_out))

    def _finish(self, lease: Lease, status: int, now: float) -> None:
        if status < 300:
            self.book.deliver(lease.entries)
        elif status == 429:  # the server itself counts what it refused; a report is refused only with everything else
            self.book.limit(lease.entries)
            if self.limits.limited("internal", now):
                self._reports.restore(lease.losses)
        else:
            self.book.drop(lease.entries, "send_error")
            if lease.entries or status >= 500:  # a report that is refused by itself would be refused for ever
                self._reports.restore(lease.losses)

    def _retry(self, lease: Lease, *, sent: bool, tried: bool) -> None:
        if not sent:
            self._reports.restore(lease.losses)
        for entry in reversed(lease.entries):
            entry.tries += tried
            entry.sent |= sent
            if entry.tries >= MAX_TRIES or (sent and entry.item.id is None):
                self.book.drop([entry], "network_error")
            elif entry in self.book:
                self.queue.put_back(entry)

    def reclaim(self, condition: Callable[[Lease], bool], *, tried: bool) -> None:
        for lease in [lease for lease in self.leases if condition(lease)]:
            del self.leases[lease]
            self._retry(lease, sent=not lease.waits, tried=tried and not lease.waits)

    def spoil(self, lease: Lease) -> None:
        if lease in self.leases:
            del self.leases[lease]
            self._reports.restore(lease.losses)
            self.book.drop(lease.entries, "internal_sdk_error")

    def give_up(self) -> int:
        left = self.book.left()
        for lease in self.leases:
            for entry in lease.entries:
                entry.sent |= not lease.waits
        self.leases.clear()
        for entry in left:
            self.queue.discard(entry)
        return self.book.drop(left, "network_error")

    def accounts(self) -> dict[Category, Account]:
        return self.book.accounts(self.queue, (entry for lease in self.leases for entry in lease.entries))

    def failing(self, now: float) -> tuple[bool, bool]:
        """Whether the server failed last, and whether it is left alone now."""
        return self._backoff.failures > 0, now < self._resume

    def take_ready(self, now: float) -> list[Future[None]]:
        ready = []
        while self._first_is_ready(now):
            ready.append(self.latches.pop())
        return ready

    def _first_is_ready(self, now: float) -> bool:
        wish = self.latches.first(self.book.settled)
        if wish is None:
            return False
        if wish.report is None:  # its items are settled: now the losses until now
            wish.report = self._reports.hasten(now)
        underway = any(0 < lease.report <= wish.report for lease in self.leases)
        return not underway and not self._reports.coming(wish.report, now)
