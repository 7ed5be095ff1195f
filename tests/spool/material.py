"""What the tests of the spool are made of: a folder, a keeper with its outbox, and clocks to set."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from asyncsentry.delivery.spool import names
from asyncsentry.delivery.spool.folder import Folder
from asyncsentry.delivery.spool.keeper import Keeper
from asyncsentry.delivery.spool.shelf import Shelf
from asyncsentry.dsn import parse
from asyncsentry.item import Item
from delivery.material import WALL, Box, Clock

DSN = parse(f"threaded+http://{'a' * 32}:secret@127.0.0.1:9000/1")
DIGEST = names.digest(DSN)
DESTINATION = names.destination(DSN)


def finish(item: Item) -> tuple[Item, bool]:
    """Items whose payload is bytes already, and complete."""
    return item, True


def a_folder(root: Path, *, durable: bool = False) -> Folder:
    return Folder(str(root), DIGEST, durable=durable)


def files(root: Path) -> list[str]:
    """The ids of the envelopes in all folders, the oldest first, by their last two digits; folders may come and go."""
    return [
        name[-11:-9] for name in sorted(name for _, _, each in os.walk(root) for name in each) if names.is_file(name)
    ]


class Desk:
    """A keeper with an outbox; both at the clock's time."""

    def __init__(
        self,
        root: Path,
        *,
        most_bytes: int = 10**6,
        queue_bytes: int = 100_000,
        finish: Callable[[Item], tuple[Item, bool]] = finish,
        folder: Folder | None = None,
    ) -> None:
        self.root = root
        self.box = Box(bytes=queue_bytes, jitter=1.0, spooling=True)
        self.wall = Clock(WALL)
        self.folder = folder or a_folder(root)
        self.shelf = Shelf(most_bytes)
        self.keeper = Keeper(
            self.box.outbox.files,
            finish,
            DESTINATION,
            self.folder,
            self.shelf,
            monotonic=self.box.clock,
            wall=self.wall,
        )

    @property
    def files(self) -> list[str]:
        return files(self.root)

    def put(self, *items: Item) -> None:
        """Put items, and file them."""
        self.box.put(*items)
        self.work()

    def work(self) -> None:
        """All that there is to do on disk, but to bring something back."""
        self.keeper.look()
        self.keeper.tidy()
        while self.keeper.file_next():
            self.wall.advance(1)

    def bring_back(self) -> list[str]:
        """Bring back what may go out now; gives the ends of the ids."""
        back = []
        while (found := self.keeper.bring_back()) is not None and self.keeper.replay(*found):
            back.append((found[0].id or "")[-2:])
        return back

    def end(self) -> None:
        self.box.outbox.give_up(self.box.clock())
        self.keeper.tidy()
        self.keeper.close()
