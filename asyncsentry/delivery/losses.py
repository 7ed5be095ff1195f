"""What was given up, by reason and category: nothing is lost in silence.

The reasons are those of Sentry's client reports, https://develop.sentry.dev/sdk/telemetry/client-reports/
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from threading import Lock
from typing import Final, Literal

from asyncsentry.item import Category, Item

Reason = Literal[
    "before_send",
    "buffer_overflow",
    "cache_overflow",
    "event_processor",
    "internal_sdk_error",
    "network_error",
    "queue_overflow",
    "ratelimit_backoff",
    "sample_rate",
    "send_error",
]

Counts = Counter[tuple[Reason, Category]]

FOLD_AT: Final = 256
"""So many losses are noted one by one before they are added up: the notes stay small in a storm."""


class Losses:
    """The losses of one client.

    `add` may be called in a finalizer, in a signal handler and under any lock, so it only appends to a deque; the
    lock is taken where the notes are added up, and never waited for by `add`.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._notes: deque[tuple[Reason, Category, int]] = deque()
        self._unreported: Counts = Counter()
        self._total: Counts = Counter()

    def add(self, reason: Reason, category: Category, quantity: int = 1) -> None:
        self._notes.append((reason, category, quantity))
        if len(self._notes) > FOLD_AT and self._lock.acquire(blocking=False):
            try:
                self._fold()
            finally:
                self._lock.release()

    def add_item(self, reason: Reason, item: Item) -> None:
        """Count an item with what is bound to it: attachments are counted in bytes."""
        self.add(reason, item.category)
        if item.attachments:
            self.add(reason, "attachment", sum(len(attachment.data) for attachment in item.attachments))

    def __bool__(self) -> bool:
        """Whether there is anything to report."""
        return bool(self._notes or self._unreported)

    def total(self) -> Counts:
        """All losses since the client was made."""
        with self._lock:
            self._fold()
            return self._total.copy()

    def take(self) -> Counts:
        """Hand over what no report has told yet."""
        with self._lock:
            self._fold()
            taken, self._unreported = self._unreported, Counter()
            return taken

    def restore(self, counts: Counts) -> None:
        """Take back what was taken: its report did not arrive."""
        with self._lock:
            self._unreported.update(counts)

    def _fold(self) -> None:
        notes = self._notes
        for _ in range(len(notes)):
            reason, category, quantity = notes.popleft()
            self._unreported[reason, category] += quantity
            self._total[reason, category] += quantity


def report(counts: Counts, timestamp: float) -> dict[str, object]:
    """The payload of a client report."""
    return {"timestamp": timestamp, "discarded_events": list(_rows(counts))}


def _rows(counts: Counts) -> Iterable[dict[str, object]]:
    for (reason, category), quantity in counts.items():
        yield {"reason": reason, "category": category, "quantity": quantity}
