"""Which items are on disk as well: what the spool is to do, and what it has done.

Nothing here touches a disk. The outbox's turnstile guards it, but for the two queues of notes, which the spool's
thread empties: a deque needs no lock for that.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import Final

from asyncsentry.delivery.ledger import amounts
from asyncsentry.delivery.losses import Reason
from asyncsentry.delivery.queue import Entry
from asyncsentry.item import Category

STAYS: Final[frozenset[Reason]] = frozenset({"network_error", "queue_overflow", "ratelimit_backoff"})
"""For what reasons an item is given up in memory and not on disk."""

REPLAYED_AT_ONCE: Final = 10
"""How many items from the disk are in memory at once."""


class Filing:
    """The entries of one outbox that are on disk, or are to be. ``wanted`` is whether there is a spool at all."""

    def __init__(self, *, wanted: bool) -> None:
        self.settled: deque[str] = deque()
        """Files to remove: what was in them is settled."""
        self.returned: deque[str] = deque()
        """Files whose items have left memory, and wait to come back."""
        self.replayed = 0
        """How many items came from the disk and are in memory."""
        self._wanted = wanted
        self._unfiled: OrderedDict[int, Entry] = OrderedDict()
        self._in_memory: dict[str, Entry] = {}
        self._spooled: dict[str, list[tuple[Category, int]]] = {}
        self._total: Counter[Category] = Counter()

    def add(self, entry: Entry) -> None:
        """An item was put in the outbox, or came back from the disk."""
        if entry.file is not None:
            self._in_memory[entry.file] = entry
            self.replayed += 1
        elif self._wanted and entry.item.id is not None:
            self._unfiled[entry.number] = entry

    def first(self) -> Entry | None:
        """The oldest entry that is not on disk yet."""
        return next(iter(self._unfiled.values()), None)

    def skip(self, entry: Entry) -> None:
        """It cannot be on disk."""
        self._unfiled.pop(entry.number, None)

    def file(self, entry: Entry, name: str) -> bool:
        """It is on disk; False if it has been settled meanwhile, and the file is to go again."""
        if self._in_memory.get(name) is entry:  # Ctrl-C: this is done once more
            return True
        if self._unfiled.pop(entry.number, None) is None:
            self.settled.append(name)
            return False
        entry.file = name
        self._in_memory[name] = entry
        return True

    def settle(self, entry: Entry) -> None:
        """An entry is settled for good: so is its file."""
        self._unfiled.pop(entry.number, None)
        if entry.file is not None:
            self.settled.append(entry.file)
            self._leave_memory(entry, entry.file)

    def is_settled(self, name: str) -> bool:
        """Whether what is in this file is settled, and the file yet to be removed."""
        return name in self.settled

    def leave(self, entry: Entry, *, come_back: bool) -> bool:
        """An entry leaves memory and stays on disk, if it is there. Not to ``come_back``: not into this process."""
        self._unfiled.pop(entry.number, None)
        if entry.file is None:
            return False
        self._leave_memory(entry, entry.file)
        self._spooled[entry.file] = counted = amounts(entry.item)
        self._total.update(dict(counted))
        if come_back:
            self.returned.append(entry.file)
        return True

    def take_back(self, name: str) -> dict[Category, int] | None:
        """What of an item that is on disk alone was counted there; now it is not. None if nothing was."""
        counted = self._spooled.pop(name, None)
        if counted is None:
            return None
        self._total.subtract(dict(counted))
        return dict(counted)

    def lose(self, name: str) -> Entry | None:
        """A file is gone; gives the entry that is in memory alone now, if it is."""
        entry = self._in_memory.pop(name, None)
        if entry is not None:
            self.replayed -= entry.replayed
            entry.file = None
        return entry

    def spooled(self) -> Counter[Category]:
        """What is on disk and not in memory."""
        return self._total.copy()

    def _leave_memory(self, entry: Entry, name: str) -> None:
        if self._in_memory.pop(name, None) is not None:
            self.replayed -= entry.replayed
