"""Accounts that balance: what became of all that was captured, by category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from asyncsentry.delivery.losses import Counts, Losses, Reason
from asyncsentry.item import Category, Item


@dataclass(frozen=True, slots=True)
class Account:
    """What became of what was captured in one category: ``captured`` is the sum of all the others, at any time.

    A number of events, sessions …; of attachments the number of bytes.
    """

    captured: int = 0
    delivered: int = 0
    """What the server accepted."""
    limited: int = 0
    """What the server received and refused by a rate limit: it counts that itself."""
    lost: Mapping[Reason, int] = field(default_factory=dict)
    """What was given up, by the reason that the server is told."""
    unknown: int = 0
    """What was given up after it had been sent without an answer: it may have arrived. The server is told why it was
    given up, unless it gave it up itself, by a rate limit."""
    queued: int = 0
    in_flight: int = 0
    spooled: int = 0
    """What is on disk and not in memory (see the option ``spool``)."""


class Ledger:
    """What became of the items of one outbox, whose book counts them here, and whose turnstile guards it.

    ``losses`` are told of what is lost besides.
    """

    def __init__(self, losses: Losses) -> None:
        self.captured: Counter[Category] = Counter()
        self.delivered: Counter[Category] = Counter()
        self.limited: Counter[Category] = Counter()
        self.unknown: Counter[Category] = Counter()
        self.lost: Counts = Counter()
        self._losses = losses

    def lose_attachments(self, reason: Reason, item: Item) -> None:
        """What is bound to it was given up, and not the item."""
        for category, quantity in amounts(item):
            if category == "attachment":
                self.lost[reason, category] += quantity
                self._losses.note(reason, category, quantity)

    def lose_file(self, counted: Mapping[Category, int]) -> None:
        """What was on disk alone, and counted as this, was given up for want of room, or has vanished."""
        for category, quantity in counted.items():
            self.lost["cache_overflow", category] += quantity
            self._losses.note("cache_overflow", category, quantity)

    def accounts(
        self, queued: Iterable[Item], in_flight: Iterable[Item], spooled: Counter[Category]
    ) -> dict[Category, Account]:
        """The account of each category in which there was anything."""
        early = self._losses.early()
        captured = self.captured.copy()
        for (_, category), quantity in early.items():
            captured[category] += quantity
        lost = self.lost + early
        waiting, underway = _total(queued), _total(in_flight)
        return {
            category: Account(
                captured=captured[category],
                delivered=self.delivered[category],
                limited=self.limited[category],
                lost={reason: quantity for (reason, of), quantity in lost.items() if of == category},
                unknown=self.unknown[category],
                queued=waiting[category],
                in_flight=underway[category],
                spooled=spooled[category],
            )
            for category in captured
        }


def amounts(item: Item) -> list[tuple[Category, int]]:
    """What an item counts as, with what is bound to it. Nothing (the bytes of an empty attachment) does not count."""
    counted: list[tuple[Category, int]] = [(item.category, 1)]
    attached = sum(len(attachment.data) for attachment in item.attachments)
    if attached:
        counted.append(("attachment", attached))
    return counted


def _total(items: Iterable[Item]) -> Counter[Category]:
    total: Counter[Category] = Counter()
    for item in items:
        for category, quantity in amounts(item):
            total[category] += quantity
    return total
