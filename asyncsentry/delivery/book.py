"""The book of one outbox: each entry that is not settled, and what became of the others.

Ctrl-C may come in the midst of anything, but Python looks for signals only where a function begins or returns, or a
loop begins once more. So where an entry comes or goes, it is counted at once, without a call in between.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from asyncsentry.delivery.filing import STAYS, Filing
from asyncsentry.delivery.ledger import Account, Key, Ledger, Tally, amounts
from asyncsentry.delivery.losses import Losses, Reason
from asyncsentry.delivery.queue import Entry
from asyncsentry.delivery.retry import MAX_TRIES
from asyncsentry.item import Category, Item


class Book:
    """Settles each entry once. The outbox's turnstile guards it. ``spooling`` is whether there is a disk to be on."""

    def __init__(self, losses: Losses, *, spooling: bool) -> None:
        self.ledger = Ledger(losses)
        self.filing = Filing(wanted=spooling)
        self.number = 0
        """That of the latest entry."""
        self._losses = losses
        self._pending: OrderedDict[int, Entry] = OrderedDict()

    def __contains__(self, entry: Entry) -> bool:
        return entry.number in self._pending

    @property
    def settled(self) -> int:
        """All entries up to this number are settled."""
        return next(iter(self._pending), self.number + 1) - 1

    def open(self, entry: Entry) -> None:
        """Enter what was captured."""
        self._enter(entry, amounts(entry.item))

    def reopen(self, item: Item, now: float, file: str) -> Entry:
        """An item that was read from the disk becomes an entry: one that left memory, or one of another process."""
        counted = self.filing.take_back(file)
        if counted is not None and item.attachments and "attachment" not in counted:  # they are lost already
            item = item._replace(attachments=())
        entry = Entry(item, 0, now, file)
        self._enter(entry, amounts(item) if counted is None else [])
        return entry

    def drop(self, entries: Iterable[Entry], reason: Reason) -> int:
        """Give entries up; gives how many were lost by that. What is on disk may stay there."""
        return sum(self._drop(entry, reason) for entry in entries)

    def deliver(self, entries: Iterable[Entry]) -> None:
        """The server accepted these entries."""
        for entry in entries:
            if entry in self:
                self._close(entry, self.ledger.delivered, amounts(entry.item))

    def limit(self, entries: Iterable[Entry]) -> None:
        """The server refused these entries by a rate limit."""
        for entry in entries:
            if entry in self:  # what was sent before, without an answer, may have arrived then
                self._close(entry, self.ledger.unknown if entry.sent else self.ledger.limited, amounts(entry.item))

    def remember(self, entries: Iterable[Entry]) -> None:
        """The server has accepted these entries after all, which may have left memory meanwhile."""
        for entry in entries:
            if entry not in self and entry.file is not None and self.filing.take_back(entry.file) is not None:
                self._pending[entry.number] = entry
        self.deliver(entries)

    def left(self) -> list[Entry]:
        """All that is not settled."""
        return list(self._pending.values())

    def lose_file(self, name: str, category: Category) -> Entry | None:
        """A file is gone before its item was settled: that is a loss, unless the item is in memory: gives it then.

        ``category`` counts if the file is another process's.
        """
        entry = self.filing.lose(name)
        if entry is None:
            counted = self.filing.take_back(name)
            if counted is None:
                self._losses.add("cache_overflow", category)
            else:
                self.ledger.lose("cache_overflow", counted.items())
        return entry

    def accounts(self, queued: Iterable[Entry], underway: Iterable[Entry]) -> dict[Category, Account]:
        """What became of all that was captured."""
        return self.ledger.accounts(
            (entry.item for entry in queued),
            (entry.item for entry in underway if entry in self),
            self.filing.spooled(),
        )

    def _enter(self, entry: Entry, counted: list[tuple[Category, int]]) -> None:
        captured = self.ledger.captured.plus(counted)
        number = self.number + 1
        # At once:
        self.number = entry.number = number
        self._pending[number] = entry
        self.ledger.captured.sums = captured
        # That was it.
        self.filing.add(entry)

    def _close(self, entry: Entry, tally: Tally[Key], counted: list[tuple[Key, int]]) -> None:
        self.filing.settle(entry)
        sums = tally.plus(counted)
        # At once:
        del self._pending[entry.number]
        tally.sums = sums

    def _drop(self, entry: Entry, reason: Reason) -> bool:
        if entry not in self:
            return False
        spent = entry.replayed and entry.tries >= MAX_TRIES  # what spoils it may be in itself
        if reason in STAYS and self.filing.leave(entry, come_back=not spent):
            del self._pending[entry.number]
            return False
        counted = amounts(entry.item)
        if entry.sent:  # an earlier send, whose answer never came, may have arrived
            self._close(entry, self.ledger.unknown, counted)
        else:
            self._close(entry, self.ledger.lost, [((reason, category), quantity) for category, quantity in counted])
        for category, quantity in counted:
            self._losses.note(reason, category, quantity)
        return True
