"""What waits to be sent: bounded in bytes, the important first, the oldest of each class first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Final

from asyncsentry.item import PRIORITIES, PRIORITY, Category, Item, Squeezed

SHARE: Final = 4
"""An item that did not fit keeps others like it out until it would fit, or until one part in so many is free."""

CROWD: Final = 32
"""So many entries that the containers in their items are a burden for the garbage collector."""


class Entry:
    """An item on its way. ``number`` orders entries by their arrival, and is 0 before that; ``tries`` counts sends that
    may have arrived.

    ``sent`` is whether it may have arrived by now, also in a send that was broken off. ``file`` is the name of the
    file that it is in as well; ``replayed``, whether it was read from there.
    The item may be exchanged for another form of itself: one of another weight only by `Queue.exchange`.
    """

    __slots__ = ("born", "file", "item", "number", "replayed", "sent", "tries")

    def __init__(self, item: Item, number: int, born: float, file: str | None = None) -> None:
        self.item = item
        self.number = number
        self.born = born
        self.tries = 0
        self.sent = False
        self.file = file
        self.replayed = file is not None


class _Line:
    """The entries of one priority: a linked list, as each end and any place in between must be reached at once.

    Those that are on disk as well are listed a second time, and so are those that could take less room.
    """

    __slots__ = ("entries", "filed", "filed_weight", "loose", "weight")

    def __init__(self) -> None:
        self.entries: OrderedDict[int, Entry] = OrderedDict()
        self.filed: OrderedDict[int, Entry] = OrderedDict()
        self.loose: OrderedDict[int, Entry] = OrderedDict()
        self.weight = 0
        self.filed_weight = 0

    def add(self, entry: Entry) -> None:
        self.entries[entry.number] = entry
        self.weight += entry.item.weight
        if type(entry.item.payload) is not Squeezed:
            self.loose[entry.number] = entry
        if entry.file is not None:
            self.note(entry)

    def note(self, entry: Entry) -> None:
        """List an entry that waits here a second time, or no more, as it is on disk, or is not."""
        if self.filed.pop(entry.number, None) is not None:
            self.filed_weight -= entry.item.weight
        if entry.file is not None and entry.number in self.entries:
            self.filed[entry.number] = entry
            self.filed_weight += entry.item.weight

    def weigh(self, entry: Entry, more: int) -> None:
        """An entry that waits here takes so many bytes more, or less."""
        self.weight += more
        if entry.number in self.filed:
            self.filed_weight += more

    def put_first(self, entry: Entry) -> None:
        self.add(entry)
        self.entries.move_to_end(entry.number, last=False)
        if entry.file is not None:
            self.filed.move_to_end(entry.number, last=False)

    def remove(self, entry: Entry) -> None:
        del self.entries[entry.number]
        self.weight -= entry.item.weight
        self.loose.pop(entry.number, None)
        self.note(entry)

    def recount(self) -> None:
        self.filed = OrderedDict((entry.number, entry) for entry in self.entries.values() if entry.file is not None)
        self.loose = OrderedDict(self.entries)  # one that is squeezed is no harm here
        self.weight = sum(entry.item.weight for entry in self.entries.values())
        self.filed_weight = sum(entry.item.weight for entry in self.filed.values())

    def oldest(self) -> Entry | None:
        return next(iter(self.entries.values()), None)

    def oldest_filed(self) -> Entry | None:
        return next(iter(self.filed.values()), None)


class Queue:
    """Entries by priority. One gives way only to those of a higher priority: the lowest first, the oldest first.

    But those that are on disk as well give way to any, and before the others. What was read from there comes last.
    Nothing here takes longer the more is waiting.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._lines = tuple(_Line() for _ in range(PRIORITIES + 1))
        self._wanted = 1

    def __iter__(self) -> Iterator[Entry]:
        return chain.from_iterable(line.entries.values() for line in self._lines)

    def __bool__(self) -> bool:
        for line in self._lines:  # noqa: SIM110  # `any` takes three times as long, and each capture asks
            if line.entries:
                return True
        return False

    def __len__(self) -> int:
        return sum(len(line.entries) for line in self._lines)

    @property
    def crowded(self) -> bool:
        """Whether many entries of one priority wait. Right without a lock, within a moment."""
        for line in self._lines:  # noqa: SIM110  # as above
            if len(line.entries) >= CROWD:
                return True
        return False

    @property
    def weight(self) -> int:
        """The bytes that wait."""
        total = 0
        for line in self._lines:
            total += line.weight
        return total

    def full(self, category: Category) -> bool:
        """Whether an item of this category would be refused, if it is like the one that was refused last.

        Right without a lock, within a moment.
        """
        return self._room(category) < self._wanted and bool(self.weight)

    def append(self, entry: Entry) -> list[Entry]:
        """Queue an entry; gives those that had to go for it: itself, if too little waits that would give way.

        What is heavier than the bound is taken where nothing else waits: else it could never be sent.
        """
        weight, its = self.weight, entry.item.weight
        excess = weight + its - self._bound
        if weight and excess > 0 and its > self._room(entry.item.category):
            self._wanted = min(its, self._bound // SHARE)
            return [entry]
        evicted = self._make_room(excess, entry.item.category) if excess > 0 else []
        self._line(entry).add(entry)
        return evicted

    def put_back(self, entry: Entry) -> None:
        """Queue at the head what was leased: it is never refused, it was counted in before."""
        self._line(entry).put_first(entry)

    def first(self) -> Entry | None:
        """The oldest entry of the highest priority."""
        for line in self._lines:
            if line.entries:
                return line.oldest()
        return None

    def first_loose(self) -> Entry | None:
        """The oldest entry that could take less room."""
        for line in self._lines:
            if line.loose:
                return next(iter(line.loose.values()))
        return None

    def pop_loose(self) -> Entry | None:
        """The same; it stays where it is, and is not given again."""
        for line in self._lines:
            if line.loose:
                return line.loose.popitem(last=False)[1]
        return None

    @property
    def loose(self) -> bool:
        """Whether something that waits could take less room. Right without a lock, within a moment."""
        return any(line.loose for line in self._lines)

    def exchange(self, entry: Entry, item: Item) -> None:
        """Put another form of its item in an entry, which may be in here."""
        line = self._line(entry)
        if entry.number in line.entries:
            line.weigh(entry, item.weight - entry.item.weight)
        entry.item = item

    def pop_riders(self, most: int) -> list[Entry]:
        """Up to ``most`` session updates, which may ride in any envelope; nothing else is of their priority."""
        riders = list(islice(self._lines[PRIORITY["session"]].entries.values(), most))
        for rider in riders:
            self.discard(rider)
        return riders

    def discard(self, entry: Entry) -> None:
        """Take an entry out, if it is in here."""
        line = self._line(entry)
        if entry.number in line.entries:
            line.remove(entry)

    def note(self, entry: Entry) -> None:
        """An entry, that may be in here, is on disk now, or is no more."""
        self._line(entry).note(entry)

    def mend(self, entries: Sequence[Entry]) -> None:
        """Be right again after something was cut off in the middle: these entries, the oldest first, are to wait."""
        for entry in reversed(entries):
            if entry.number not in self._line(entry).entries:
                self.put_back(entry)
        for line in self._lines:
            line.recount()

    def fits_easily(self, weight: int) -> bool:
        """Whether what has time may come in: nothing waits, or half of the room is left."""
        return not self.weight or self.weight + weight <= self._bound // 2

    def _line(self, entry: Entry) -> _Line:
        return self._lines[-1 if entry.replayed else PRIORITY[entry.item.category]]

    def _room(self, category: Category) -> int:
        """The bytes that are free, or would be without all of lower priority and all that is on disk."""
        room = self._bound
        for line in self._lines[: PRIORITY[category] + 1]:
            room -= line.weight - line.filed_weight
        return room

    def _make_room(self, excess: int, category: Category) -> list[Entry]:
        evicted = []
        for victim in self._victims(self._lines[PRIORITY[category] + 1 :]):
            if excess <= 0:
                break
            self.discard(victim)
            excess -= victim.item.weight
            evicted.append(victim)
        return evicted

    def _victims(self, lower: tuple[_Line, ...]) -> Iterator[Entry]:
        """Who goes next; each is taken out before the next is asked for."""
        for line in reversed(self._lines):
            while (oldest := line.oldest_filed()) is not None:
                yield oldest
        for line in reversed(lower):
            while (oldest := line.oldest()) is not None:
                yield oldest
