"""What the spool's thread asks of an outbox, and tells it. It may wait; an outbox does not touch a disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from asyncsentry.delivery.book import Book
from asyncsentry.delivery.filing import REPLAYED_AT_ONCE
from asyncsentry.delivery.limits import Limits
from asyncsentry.delivery.queue import Entry, Queue
from asyncsentry.delivery.turnstile import PATIENCE, Turnstile
from asyncsentry.item import Category, Item, Squeezed


class Files:
    """One outbox, seen from the disk. ``failing`` tells whether its server failed last, and is left alone now."""

    def __init__(
        self,
        turnstile: Turnstile,
        queue: Queue,
        book: Book,
        limits: Limits,
        failing: Callable[[float], tuple[bool, bool]],
    ) -> None:
        self._turnstile = turnstile
        self._queue = queue
        self._book = book
        self._limits = limits
        self._failing = failing

    def unfiled(self) -> Entry | None:
        """The oldest entry that has to be on disk, and is not there yet."""
        return self._turnstile.ask(self._book.filing.first, None, PATIENCE)

    def all_filed(self) -> bool:
        """Whether there is none of those; False also if nobody can tell now."""
        return self._turnstile.ask(lambda: self._book.filing.first() is None, False, PATIENCE)

    def skip(self, entry: Entry) -> None:
        """This entry cannot be on disk."""
        self._turnstile.do(partial(self._book.filing.skip, entry))

    def file(self, entry: Entry, name: str, payload: bytes | None) -> None:
        """This entry is on disk, in a file of this name. ``payload``: the form in which it may stay in memory."""
        self._turnstile.do(partial(self._file, entry, name, payload))

    def lose(self, name: str, category: Category) -> None:
        """This file is gone, and had to go. Of this category was what is in it, if that is not known here."""
        self._turnstile.do(partial(self._lose, name, category))

    @property
    def noted(self) -> bool:
        """Whether there are files to remove, or whose items have left memory."""
        return bool(self._book.filing.settled or self._book.filing.returned)

    def take_settled(self) -> list[str]:
        """The files to remove, since this was asked last."""
        return _take_all(self._book.filing.settled)

    def take_returned(self) -> list[str]:
        """The files whose items have left memory, since this was asked last."""
        return _take_all(self._book.filing.returned)

    def may_replay(self, now: float) -> bool:
        """Whether something may come back from the disk now; one at a time tries whether a server works again."""
        return self._turnstile.ask(lambda: self._may_replay(now), False, PATIENCE)

    def limited(self, category: Category, now: float) -> bool:
        """Whether the server asked not to be sent this category now."""
        return self._limits.limited(category, now)

    def replay(self, item: Item, name: str, now: float) -> bool:
        """Take an item back from the disk; False if there is too little room for it.

        It is left there if an answer that came late has settled it meanwhile.
        """
        return self._turnstile.ask(lambda: self._replay(item, name, now), False, PATIENCE)

    # -- inside the turnstile

    def _file(self, entry: Entry, name: str, payload: bytes | None) -> None:
        if self._book.filing.file(entry, name):
            self._queue.note(entry)
            if payload is not None and not isinstance(entry.item.payload, Squeezed):
                entry.item = entry.item._replace(payload=payload)

    def _lose(self, name: str, category: Category) -> None:
        if self._book.filing.is_settled(name):  # it had to go in any case
            return
        entry = self._book.lose_file(name, category)
        if entry is not None:
            self._queue.note(entry)

    def _may_replay(self, now: float) -> bool:
        failed, left_alone = self._failing(now)
        in_memory = self._book.filing.replayed
        return not in_memory and not left_alone if failed else in_memory < REPLAYED_AT_ONCE

    def _replay(self, item: Item, name: str, now: float) -> bool:
        if self._book.filing.is_settled(name):
            return True
        if not self._queue.fits_easily(item.weight):
            return False
        self._queue.append(self._book.reopen(item, now, name))
        return True


def _take_all(notes: deque[str]) -> list[str]:
    return [notes.popleft() for _ in range(len(notes))]
