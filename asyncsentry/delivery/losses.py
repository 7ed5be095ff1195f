"""What was given up, by reason and category: nothing is lost in silence.

The reasons are those of Sentry's client reports, https://develop.sentry.dev/sdk/telemetry/client-reports/
"""

from __future__ import annotations

from collections import Counter, deque
from functools import partial
from typing import Final, Literal

from asyncsentry.delivery.turnstile import PATIENCE, Turnstile
from asyncsentry.item import Category

Reason = Literal[
    "backpressure",
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

    `add` and `note` may be called in a finalizer, in a signal handler and under any lock: they append a note, and now
    and then add up the notes if nobody else does.
    """

    def __init__(self) -> None:
        self._turnstile = Turnstile()
        self._notes: deque[tuple[tuple[Reason, Category], int, bool]] = deque()
        self._unreported: Counts = Counter()
        self._late: Counts = Counter()
        self._early: Counts = Counter()

    def add(self, reason: Reason, category: Category, quantity: int = 1) -> None:
        """Count what was lost before it was an item."""
        self._note(((reason, category), quantity, True))

    def note(self, reason: Reason, category: Category, quantity: int) -> None:
        """Count what was lost later. Attachments are counted in bytes."""
        self._note(((reason, category), quantity, False))

    def __bool__(self) -> bool:
        """Whether there is anything to report."""
        return bool(self._notes or self._unreported)

    def total(self) -> Counts:
        """All losses since the client was made."""
        self._turnstile.ask(self._fold, None, PATIENCE)
        return self._early + self._late

    def early(self) -> Counts:
        """Those of what never became an item."""
        self._turnstile.ask(self._fold, None, PATIENCE)
        return self._early.copy()

    def take(self) -> Counts:
        """Hand over what no report has told yet."""
        return self._turnstile.ask(self._take, Counts(), PATIENCE)

    def restore(self, counts: Counts) -> None:
        """Take back what was taken: its report did not arrive."""
        if counts:
            self._turnstile.do(partial(self._unreport, counts))

    def _note(self, note: tuple[tuple[Reason, Category], int, bool]) -> None:
        self._notes.append(note)
        if len(self._notes) > FOLD_AT:
            self._turnstile.ask(self._fold, None)

    def _fold(self) -> None:
        notes, unreported, earlier, later = self._notes, self._unreported, self._early, self._late
        for _ in range(len(notes)):
            lost, quantity, early = notes.popleft()
            unreported[lost] += quantity
            if early:
                earlier[lost] += quantity
            else:
                later[lost] += quantity

    def _take(self) -> Counts:
        self._fold()
        taken, self._unreported = self._unreported, Counter()
        return taken

    def _unreport(self, counts: Counts) -> None:
        self._unreported.update(counts)


def report(counts: Counts, timestamp: float) -> dict[str, object]:
    """The payload of a client report."""
    return {
        "timestamp": timestamp,
        "discarded_events": [
            {"reason": reason, "category": category, "quantity": quantity}
            for (reason, category), quantity in counts.items()
        ],
    }
