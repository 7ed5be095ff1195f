"""The outbox: what is waiting, what is on its way, and when to do something about it.

Pure: it sends nothing and starts nothing, the clock is passed in, and the one lock is held around code that calls
nothing foreign. An item is put, leased in a `Lease`, and settled; a lease that nobody settles is reclaimed. Two rules:

1. A lease settles once. What comes late (the answer to a lease that was reclaimed in the meantime) still teaches the
   rate limits, and takes its items out of the queue if they did arrive; else it changes nothing.
2. At least once, for each item: what carries an id is sent again after an unknown outcome; what carries none only if
   surely nothing of it had left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Final

from asyncsentry.delivery.limits import Limits, parse_retry_after
from asyncsentry.delivery.losses import Counts, Losses, Reason
from asyncsentry.delivery.queue import Entry, Queue
from asyncsentry.delivery.retry import MAX_AGE, MAX_TRIES, RETRY_STATUSES, Backoff
from asyncsentry.delivery.turnstile import Turnstile
from asyncsentry.item import Category, Item
from asyncsentry.transport.protocol import Cancelled, NoResponse, Response

REPORT_AFTER: Final = 30.0
"""Seconds after which losses are reported in an envelope of their own, if no other took them along."""

MAX_RIDERS: Final = 100
"""How many session updates ride in one envelope: what a server takes at the most."""


@dataclass(slots=True, eq=False)
class Lease:
    """What one request carries: entries, and the losses that it reports. ``thread`` is the one that took it."""

    entries: list[Entry]
    losses: Counts
    thread: int
    deadline: float


class Outbox:
    """All that one client has to deliver.

    ``queue_bytes`` bounds what waits, ``max_in_flight`` the leases, ``patience`` is the age in seconds at which a
    lease is given up on, ``wall`` the time of day (for limits that are given as dates). ``send_reports`` is whether
    the server is told of losses.
    """

    def __init__(
        self,
        losses: Losses,
        *,
        queue_bytes: int,
        max_in_flight: int,
        patience: float,
        wall: Callable[[], float],
        send_reports: bool = True,
        backoff: Backoff | None = None,
    ) -> None:
        self._turnstile = Turnstile()
        self._inbox: deque[Item] = deque()
        self._queue = Queue(queue_bytes)
        self._leases: dict[Lease, None] = {}
        self._pending: dict[int, Entry] = {}
        self._waiters: list[tuple[int, Future[None]]] = []
        self._losses = losses
        self._limits = Limits()
        self._backoff = backoff or Backoff()
        self._max_in_flight = max_in_flight
        self._patience = patience
        self._wall = wall
        self._send_reports = send_reports
        self._number = 0
        self._resume = 0.0
        self._report_at: float | None = None

    # -- capturing

    def refusal(self, category: Category, now: float) -> Reason | None:
        """Why an item of this category would be dropped now, if it would: cheap, and asked before it is made."""
        if self._limits.limited(category, now):
            return "ratelimit_backoff"
        return "queue_overflow" if self._queue.full(category) else None

    def put(self, item: Item, now: float) -> None:
        """Take an item. May be called from anywhere: if this thread is inside already, the item waits in the inbox."""
        self._inbox.append(item)
        with self._turnstile as inside:
            if inside:
                self._absorb(now)

    # -- sending

    def next(self, now: float, thread: int, *, hurry: bool = False) -> Lease | None:
        """Lease what to send now, if there is something and it may go. ``hurry`` waits for no back-off and no other."""
        with self._turnstile as inside:
            if not inside:
                return None
            self._absorb(now)
            self._reclaim_where(lambda lease: lease.deadline <= now)
            if not hurry and (len(self._leases) >= self._max_in_flight or now < self._resume):
                return None
            lease = self._lease(now, thread)
        self._announce(now)
        return lease

    def settle(self, lease: Lease, outcome: Response | NoResponse, now: float) -> bool:
        """Say how a lease ended. False if it had been reclaimed."""
        with self._turnstile:
            if isinstance(outcome, Response):
                self._limits.update(outcome.status, outcome.headers, now, self._wall())
            known = lease in self._leases
            self._leases.pop(lease, None)
            if known:
                self._conclude(lease, outcome, now)
            elif isinstance(outcome, Response) and outcome.status < 300:
                self._withdraw(lease.entries)
        self._announce(now)
        return known

    def spoil(self, lease: Lease, now: float) -> None:
        """End a lease whose items cannot be encoded: they are counted, and the losses it was to report are kept."""
        with self._turnstile:
            if self._leases.pop(lease, lease) is None:
                self._losses.restore(lease.losses)
                self._drop(lease.entries, "internal_sdk_error")
        self._announce(now)

    def reclaim(self, thread: int | None = None) -> None:
        """Take back what ``thread`` (or everybody) has on its way: it will not settle any more."""
        with self._turnstile as inside:
            if inside:
                self._reclaim_where(lambda lease: thread is None or lease.thread == thread)

    def give_up(self, now: float) -> int:
        """Count all that is left as lost; gives how many items that were."""
        with self._turnstile as inside:
            if not inside:
                return 0
            self._absorb(now)
            left = list(self._pending.values())
            self._leases.clear()
            for entry in left:
                self._queue.discard(entry)
            self._drop(left, "network_error")
        self._announce(now)
        return len(left)

    # -- timing

    def due(self, now: float) -> float | None:
        """Seconds until `next` has something to do: 0 if at once, None if never."""
        with self._turnstile as inside:
            if not inside:
                return 0.0
            self._absorb(now)
            times = [lease.deadline for lease in self._leases]
            if len(self._leases) < self._max_in_flight:
                if self._queue:
                    times.append(self._resume)
                elif self._to_report():
                    times.append(max(self._report_time(now), self._resume))
            return max(0.0, min(times) - now) if times else None

    def hasten(self, now: float) -> None:
        """Report losses with the next request, instead of some time."""
        self._report_at = now

    def in_flight(self, *, besides: int) -> bool:
        """Whether a thread other than ``besides`` has something on its way."""
        with self._turnstile as inside:
            return inside and any(lease.thread != besides for lease in self._leases)

    def idle(self, now: float) -> Future[None]:
        """A latch that opens when all that has been put before this call is settled, and its losses are reported."""
        latch: Future[None] = Future()
        with self._turnstile as inside:
            if inside:
                self._absorb(now)
            self._waiters.append((self._number, latch))
        self._announce(now)
        return latch

    # -- inside the turnstile

    def _absorb(self, now: float) -> None:
        for _ in range(len(self._inbox)):
            self._number += 1
            entry = Entry(self._inbox.popleft(), self._number, now)
            self._pending[entry.number] = entry
            self._drop(self._queue.append(entry), "queue_overflow")

    def _lease(self, now: float, thread: int) -> Lease | None:
        entries = self._pick(now)
        losses = Counts()
        if self._to_report() and self._report_time(now, riding=bool(entries)) <= now:
            losses, self._report_at = self._losses.take(), None
        if not entries and not losses:
            return None
        lease = Lease(entries, losses, thread, now + self._patience)
        self._leases[lease] = None
        return lease

    def _pick(self, now: float) -> list[Entry]:
        while (entry := self._queue.pop()) is not None:
            if now - entry.born > MAX_AGE:
                self._drop([entry], "network_error")
            elif self._limits.limited(entry.item.category, now):
                self._drop([entry], "ratelimit_backoff")
            else:
                self._strip(entry, now)
                return [entry, *self._riders(entry, now)]
        return []

    def _strip(self, entry: Entry, now: float) -> None:
        """Take the attachments off an event while the server refuses attachments."""
        attachments = entry.item.attachments
        if attachments and self._limits.limited("attachment", now):
            self._losses.add("ratelimit_backoff", "attachment", sum(len(each.data) for each in attachments))
            entry.item, entry.encoded = replace(entry.item, attachments=()), None

    def _riders(self, entry: Entry, now: float) -> list[Entry]:
        if self._limits.limited("session", now):
            return []
        return self._queue.pop_riders(MAX_RIDERS - (entry.item.category == "session"))

    def _to_report(self) -> bool:
        return self._send_reports and bool(self._losses)

    def _report_time(self, now: float, *, riding: bool = False) -> float:
        """When losses may be reported: in an envelope of its own some time after the first, ``riding`` at once."""
        if self._report_at is None:
            self._report_at = now + REPORT_AFTER
        return max(now if riding else self._report_at, self._limits.end("internal"))

    def _conclude(self, lease: Lease, outcome: Response | NoResponse, now: float) -> None:
        if isinstance(outcome, NoResponse):
            cancelled = isinstance(outcome.error, Cancelled)
            self._retry(lease, sent=outcome.sent, tried=outcome.sent and not cancelled)
            if not cancelled:
                self._resume = now + self._backoff.fail()
        elif outcome.status in RETRY_STATUSES:
            self._retry(lease, sent=True, tried=True)
            asked = parse_retry_after(outcome.headers.get("retry-after"), self._wall())
            self._resume = now + self._backoff.fail(asked)
        else:
            self._backoff.succeed()
            self._finish(lease, outcome.status, now)

    def _finish(self, lease: Lease, status: int, now: float) -> None:
        if status < 300:
            self._forget(lease.entries)
        elif status == 429:  # the server itself counts what it refused; a report is refused only with everything else
            self._forget(lease.entries)
            if self._limits.limited("internal", now):
                self._losses.restore(lease.losses)
        else:
            self._drop(lease.entries, "send_error")
            if status >= 500:
                self._losses.restore(lease.losses)

    def _retry(self, lease: Lease, *, sent: bool, tried: bool) -> None:
        if not sent:
            self._losses.restore(lease.losses)
        for entry in reversed(lease.entries):
            entry.tries += tried
            if entry.tries >= MAX_TRIES or (sent and entry.item.id is None):
                self._drop([entry], "network_error")
            elif entry.number in self._pending:
                self._queue.put_back(entry)

    def _reclaim_where(self, condition: Callable[[Lease], bool]) -> None:
        for lease in [lease for lease in self._leases if condition(lease)]:
            del self._leases[lease]
            self._retry(lease, sent=True, tried=True)

    def _withdraw(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._queue.discard(entry)
        self._forget(entries)

    def _drop(self, entries: Iterable[Entry], reason: Reason) -> None:
        for entry in entries:
            if self._pending.pop(entry.number, None) is not None:
                self._losses.add_item(reason, entry.item)

    def _forget(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._pending.pop(entry.number, None)

    # -- outside again

    def _announce(self, now: float) -> None:
        """Open the latches whose time has come: outside the turnstile, as what they call is not ours."""
        if not self._waiters:
            return
        with self._turnstile as inside:
            ready = self._take_ready(now) if inside else []
        for latch in ready:
            latch.set_result(None)

    def _take_ready(self, now: float) -> list[Future[None]]:
        reporting = any(lease.losses for lease in self._leases)
        if reporting or (self._to_report() and not self._limits.limited("internal", now)):
            return []
        oldest = next(iter(self._pending), self._number + 1)  # entries are added in the order of their numbers
        ready = [latch for mark, latch in self._waiters if mark < oldest]
        self._waiters = [(mark, latch) for mark, latch in self._waiters if mark >= oldest]
        return ready
