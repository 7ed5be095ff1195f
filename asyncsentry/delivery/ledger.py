"""Accounts that balance: what became of all that was captured, by category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from asyncsentry.delivery.losses import Losses, Reason
from asyncsentry.item import Category, Item

Key = TypeVar("Key")


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


class Tally(Generic[Key]):
    """Sums by key. They grow by being exchanged for larger ones, which is one instant: see `Book`."""

    __slots__ = ("sums",)

    def __init__(self) -> None:
        self.sums: dict[Key, int] = {}

    def plus(self, amounts: Iterable[tuple[Key, int]]) -> dict[Key, int]:
        """The sums with these amounts added."""
        sums = self.sums.copy()
        for key, quantity in amounts:
            sums[key] = sums.get(key, 0) + quantity
        return sums


class Ledger:
    """What became of the items of one outbox, whose book counts them here, and whose turnstile guards it.

    ``losses`` are told of what is lost besides.
    """

    def __init__(self, losses: Losses) -> None:
        self.captured: Tally[Category] = Tally()
        self.delivered: Tally[Category] = Tally()
        self.limited: Tally[Category] = Tally()
        self.unknown: Tally[Category] = Tally()
        self.lost: Tally[tuple[Reason, Category]] = Tally()
        self._losses = losses

    def lose_attachments(self, reason: Reason, item: Item) -> None:
        """What is bound to it was given up, and not the item."""
        self.lose(reason, [each for each in amounts(item) if each[0] == "attachment"])

    def lose(self, reason: Reason, counted: Collection[tuple[Category, int]]) -> None:
        """What counted as this was given up."""
        self.lost.sums = self.lost.plus([((reason, category), quantity) for category, quantity in counted])
        for category, quantity in counted:
            self._losses.note(reason, category, quantity)

    def accounts(
        self, queued: Iterable[Item], in_flight: Iterable[Item], spooled: Counter[Category]
    ) -> dict[Category, Account]:
        """The account of each category in which there was anything."""
        early = self._losses.early()
        captured = self.captured.plus((category, quantity) for (_, category), quantity in early.items())
        lost = self.lost.plus(early.items())
        waiting, underway = _total(queued), _total(in_flight)
        return {
            category: Account(
                captured=captured[category],
                delivered=self.delivered.sums.get(category, 0),
                limited=self.limited.sums.get(category, 0),
                lost={reason: quantity for (reason, of), quantity in lost.items() if of == category},
                unknown=self.unknown.sums.get(category, 0),
                queued=waiting[category],
                in_flight=underway[category],
                spooled=spooled[category],
            )
            for category in captured
        }


def amounts(item: Item) -> list[tuple[Category, int]]:
    """What an item counts as, with what is bound to it. Nothing (the bytes of an empty attachment) does not count."""
    counted: list[tuple[Category, int]] = [(item.category, 1)]
    if item.attachments:
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
