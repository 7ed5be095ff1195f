"""What waits to be sent: bounded in bytes, the important first, the oldest of each class first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from asyncsentry.item import PRIORITIES, PRIORITY, Category, Item


@dataclass(slots=True, eq=False)
class Entry:
    """An item on its way. ``number`` orders entries by their arrival; ``tries`` counts sends that may have arrived."""

    item: Item
    number: int
    born: float
    tries: int = 0
    encoded: bytes | None = None


class Queue:
    """Entries by priority. One gives way only to those of a higher priority: the lowest first, the oldest first."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._weight = 0
        self._classes: tuple[deque[Entry], ...] = tuple(deque() for _ in range(PRIORITIES))

    def __len__(self) -> int:
        return sum(map(len, self._classes))

    @property
    def weight(self) -> int:
        """The bytes that wait."""
        return self._weight

    def full(self, category: Category) -> bool:
        """Whether an item of this category would be refused. Right without a lock, within a moment."""
        return self._weight >= self._bound and not any(self._classes[PRIORITY[category] + 1 :])

    def append(self, entry: Entry) -> list[Entry]:
        """Queue an entry; gives those that had to go for it: itself, if too little of a lower priority waits."""
        evicted: list[Entry] = []
        needed = self._weight + entry.item.weight - self._bound
        if needed > 0:
            lower = list(self._lower_than(PRIORITY[entry.item.category]))
            if self._weight and needed > sum(each.item.weight for each in lower):
                return [entry]
            while lower and needed > 0:
                victim = lower.pop(0)
                self.discard(victim)
                needed -= victim.item.weight
                evicted.append(victim)
        self._class_of(entry).append(entry)
        self._weight += entry.item.weight
        return evicted

    def put_back(self, entry: Entry) -> None:
        """Queue at the head what was leased: it is never refused, it was counted in before."""
        self._class_of(entry).appendleft(entry)
        self._weight += entry.item.weight

    def pop(self) -> Entry | None:
        """The oldest entry of the highest priority."""
        for entries in self._classes:
            if entries:
                entry = entries.popleft()
                self._weight -= entry.item.weight
                return entry
        return None

    def pop_riders(self, most: int) -> list[Entry]:
        """Up to ``most`` session updates, which may ride in any envelope."""
        riders = [entry for entry in self._classes[PRIORITY["session"]] if entry.item.category == "session"][:most]
        for entry in riders:
            self.discard(entry)
        return riders

    def discard(self, entry: Entry) -> None:
        """Take an entry out, if it is in here."""
        entries = self._class_of(entry)
        if entry in entries:
            entries.remove(entry)
            self._weight -= entry.item.weight

    def _class_of(self, entry: Entry) -> deque[Entry]:
        return self._classes[PRIORITY[entry.item.category]]

    def _lower_than(self, priority: int) -> Iterator[Entry]:
        for entries in reversed(self._classes[priority + 1 :]):
            yield from entries
