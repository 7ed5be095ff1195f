"""What is done on disk for one outbox: file what waits, remove what is settled, bring back what was left."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from asyncsentry.delivery.files import Files
from asyncsentry.delivery.queue import Entry
from asyncsentry.delivery.spool import envelopes, names
from asyncsentry.delivery.spool.folder import Folder
from asyncsentry.delivery.spool.shelf import Shelf
from asyncsentry.diary import Complaints
from asyncsentry.item import Category, Item

LOOK_EVERY: Final = 60.0
"""Seconds between two looks for what processes have left that are gone."""

TRY_AGAIN_AFTER: Final = 30.0
"""Seconds for which a disk that failed is left alone."""

PAUSE: Final = 0.1
"""Seconds between two times at which items are brought back, so that they do not come all at once."""

logger = logging.getLogger("asyncsentry")

Finish = Callable[[Item], tuple[Item, bool]]
"""Gives an item as it is sent, its payload in bytes, and whether it has all that it will be sent with."""


class Keeper:
    """Waits for the disk, and is used by one thread at a time. Nothing raises: a disk that fails is said once.

    ``dsn`` is where all of it goes. ``monotonic`` is the outbox's clock, ``wall`` the time of day.
    """

    def __init__(
        self,
        files: Files,
        finish: Finish,
        dsn: str,
        folder: Folder,
        shelf: Shelf,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._files = files
        self._finish = finish
        self._dsn = dsn
        self._folder = folder
        self._shelf = shelf
        self._monotonic = monotonic
        self._wall = wall
        self._complaints = Complaints()
        self._sequence = 0
        self._look_at = self._work_at = self._replay_at = 0.0
        self._limited: dict[Category, deque[str]] = {}

    # -- all of it

    def look(self) -> None:
        """Take over what processes have left that are gone, if it is time to look for that, and there is room."""
        now = self._monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY
            self._try(self._adopt)

    def tidy(self) -> None:
        """Remove the files of what is settled; note what left memory."""
        for name in self._files.take_settled():
            self._shelf.remove(name)
            self._try(partial(self._folder.remove, name))
        for name in self._files.take_returned():
            self._shelf.wait(name)

    def file_next(self) -> bool:
        """File one entry; False if there is none, or the disk fails at the moment."""
        if self._monotonic() < self._work_at or (entry := self._files.unfiled()) is None:
            return False
        return self._try(partial(self._file, entry))

    def bring_back(self) -> tuple[Item, str] | None:
        """One item that was left on disk, with its file's name, if it may go out now: then `replay` it."""
        while self._monotonic() >= self._replay_at and self._files.may_replay(self._monotonic()):
            name = self._next_waiting()
            if name is None:
                break
            stored = self._read(name)
            if stored is None:
                continue
            if self._files.limited(stored.category, self._monotonic()):
                self._limited.setdefault(stored.category, deque()).append(name)
                continue
            return stored, name
        return None

    def replay(self, item: Item, name: str) -> bool:
        """Put into the outbox what was brought back; False if there is no room now, and nothing more is to come."""
        taken = self._files.replay(item, name, self._monotonic())
        if not taken:
            self._shelf.wait(name)
            self.pause(10 * PAUSE)
        return taken

    def pause(self, seconds: float = PAUSE) -> None:
        """Bring nothing back for a moment."""
        self._replay_at = self._monotonic() + seconds

    @property
    def done(self) -> bool:
        """Whether all that is to be on disk is there."""
        return self._files.all_filed()

    def rest(self) -> float:
        """Seconds until there may be something to do of which nobody tells."""
        if self._files.noted:
            return 0.0
        now = self._monotonic()
        until = self._look_at
        if not self.done:
            until = min(until, self._work_at)
        if self._shelf.waits and self._files.may_replay(now):
            until = min(until, self._replay_at)
        return max(0.0, until - now)

    def close(self) -> None:
        """Leave the files to whoever comes next."""
        self._try(self._folder.close)

    # -- steps, which may raise `OSError`

    def _adopt(self) -> None:
        for name, size in self._folder.adopt(lambda name, size: self._shelf.fits(name, size, self._wall())):
            logger.debug("taken over %s", names.event_id(name))
            self._shelf.add(name, size)
            self._shelf.wait(name)
        self._make_room()

    def _file(self, entry: Entry) -> None:
        try:
            item, complete = self._finish(entry.item)
            data = envelopes.write(item, self._dsn)
        except Exception:  # who sends it finds that out, too, and counts it
            logger.debug("an item cannot be written to disk", exc_info=True)
            self._files.skip(entry)
            return
        assert item.id is not None
        if not self._shelf.allows(len(data)):
            self._files.skip(entry)
            return
        name = names.new_file(self._wall(), self._sequence, item.id)
        self._sequence += 1
        self._folder.write(name, data)
        self._shelf.add(name, len(data))
        self._files.file(entry, name, item.payload if complete and isinstance(item.payload, bytes) else None)
        logger.debug("spooled %s", item.id)
        self._make_room()

    def _make_room(self) -> None:
        for name in self._shelf.excess(self._wall()):
            category = self._category(name)
            self._shelf.remove(name)
            self._folder.remove(name)
            self._files.lose(name, category)

    def _next_waiting(self) -> str | None:
        for category in list(self._limited):
            if not self._files.limited(category, self._monotonic()):
                for name in self._limited.pop(category):
                    self._shelf.wait(name)
        return self._shelf.take()

    def _read(self, name: str) -> Item | None:
        """What is in a file; nothing if it is gone, or is no envelope: then it is moved away."""
        try:
            return envelopes.read(self._folder.read(name)).item
        except envelopes.NotAnEnvelope as error:
            self._try(partial(self._set_aside, name, str(error)))
        except OSError as error:
            self._complaints.wrong("a file of the spool cannot be read", str(error))
        self._shelf.remove(name)
        self._files.lose(name, "error")
        return None

    def _set_aside(self, name: str, why: str) -> None:
        there = self._folder.set_aside(name)
        logger.warning("the spool holds a file that is no envelope of ours (%s): it is now %s", why, there)

    def _category(self, name: str) -> Category:
        """What a file of another process counts as, that was not read yet."""
        with suppress(OSError, envelopes.NotAnEnvelope):
            return envelopes.read(self._folder.read(name)).item.category
        return "error"

    def _try(self, step: Callable[[], None]) -> bool:
        """Take a step; if the disk fails, say so once, and leave it alone for a while."""
        try:
            step()
        except OSError as error:
            self._work_at = self._monotonic() + TRY_AGAIN_AFTER
            self._complaints.wrong(
                f"the spool cannot be used: {error.strerror or error}", "what is captured is in memory alone for now"
            )
            return False
        return True
