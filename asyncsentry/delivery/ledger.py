"""Accounts that balance: what became of all that was captured, by category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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
    """What became of the items of one outbox, whose turnstile guards it. What is lost is also noted in ``losses``."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._captured: Counter[Category] = Counter()
        self._delivered: Counter[Category] = Counter()
        self._limited: Counter[Category] = Counter()
        self._unknown: Counter[Category] = Counter()
        self._lost: Counts = Counter()

    def capture(self, item: Item) -> None:
        """It was put in the outbox."""
        _count(self._captured, item)

    def deliver(self, item: Item) -> None:
        """The server accepted it."""
        _count(self._delivered, item)

    def limit(self, item: Item, *, sent_before: bool) -> None:
        """The server refused it by a rate limit, and counts that. ``sent_before``: an earlier send may have arrived."""
        _count(self._unknown if sent_before else self._limited, item)

    def lose(self, reason: Reason, item: Item) -> None:
        """It was given up, and has surely not arrived."""
        for category, quantity in amounts(item):
            self._lost[reason, category] += quantity
            self._losses.note(reason, category, quantity)

    def lose_sight(self, reason: Reason, item: Item) -> None:
        """It was given up, and may have arrived."""
        _count(self._unknown, item)
        for category, quantity in amounts(item):
            self._losses.note(reason, category, quantity)

    def lose_attachments(self, reason: Reason, item: Item) -> None:
        """What is bound to it was given up, and not the item."""
        for category, quantity in amounts(item):
            if category == "attachment":
                self._lost[reason, category] += quantity
                self._losses.note(reason, category, quantity)

    def lose_file(self, counted: Mapping[Category, int]) -> None:
        """What was on disk alone, and counted as this, was given up for want of room, or has vanished."""
        for category, quantity in counted.items():
            self._lost["cache_overflow", category] += quantity
            self._losses.note("cache_overflow", category, quantity)

    def accounts(
        self, queued: Iterable[Item], in_flight: Iterable[Item], spooled: Counter[Category]
    ) -> dict[Category, Account]:
        """The account of each category in which there was anything."""
        early = self._losses.early()
        captured = self._captured.copy()
        for (_, category), quantity in early.items():
            captured[category] += quantity
        lost = self._lost + early
        waiting, underway = _total(queued), _total(in_flight)
        return {
            category: Account(
                captured=captured[category],
                delivered=self._delivered[category],
                limited=self._limited[category],
                lost={reason: quantity for (reason, of), quantity in lost.items() if of == category},
                unknown=self._unknown[category],
                queued=waiting[category],
                in_flight=underway[category],
                spooled=spooled[category],
            )
            for category in captured
        }


def amounts(item: Item) -> Iterator[tuple[Category, int]]:
    """What an item counts as, with what is bound to it. Nothing (the bytes of an empty attachment) does not count."""
    yield item.category, 1
    attached = sum(len(attachment.data) for attachment in item.attachments)
    if attached:
        yield "attachment", attached


def _count(counter: Counter[Category], item: Item) -> None:
    for category, quantity in amounts(item):
        counter[category] += quantity


def _total(items: Iterable[Item]) -> Counter[Category]:
    total: Counter[Category] = Counter()
    for item in items:
        _count(total, item)
    return total
