"""Looking after a whole spool, whoever it was filled by and wherever it is to go: what the command does."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from asyncsentry.delivery.spool import envelopes, names
from asyncsentry.delivery.spool.envelopes import NotAnEnvelope, Stored
from asyncsentry.delivery.spool.folder import move_aside, names_in, remove_empty, subfolders
from asyncsentry.delivery.spool.locks import Locks
from asyncsentry.errors import SetupError


@dataclass(frozen=True, slots=True)
class Found:
    """A file with an envelope. ``held`` is whether a running program has it."""

    path: str
    size: int
    held: bool

    @property
    def event_id(self) -> str:
        return names.event_id(os.path.basename(self.path))

    @property
    def age(self) -> float:
        """Seconds since it was written."""
        return max(0.0, time.time() - names.born(os.path.basename(self.path)))

    def read(self) -> Stored | None:
        """What is in it; None if it is no envelope. Raises `OSError`."""
        with open(self.path, "rb") as file:
            data = file.read()
        try:
            return envelopes.read(data)
        except NotAnEnvelope:
            return None

    def remove(self) -> None:
        os.remove(self.path)


class Visit:
    """Holds, until it ends, what no running program has: programs that start meanwhile leave that alone."""

    def __init__(self, root: str) -> None:
        if not os.path.isdir(root):
            raise SetupError(f"there is no folder {root!r}")
        self._root = root
        self._locks = Locks()
        self._mine: list[str] = []

    def files(self) -> list[Found]:
        """All that waits, the oldest first."""
        found = [Found(path, size, held) for folder, held in self._folders() for path, size in _envelopes(folder)]
        return sorted(found, key=lambda each: os.path.basename(each.path))

    def aside(self) -> list[str]:
        """The files that were set aside."""
        folder = os.path.join(self._root, names.ASIDE)
        return [os.path.join(folder, name) for name in names_in(folder)]

    def set_aside(self, found: Found) -> str:
        """Move away what cannot be sent; gives where to."""
        return move_aside(self._root, found.path)

    def end(self) -> None:
        """Leave what is left to the programs to come."""
        for folder in self._mine:
            remove_empty(folder)
            self._locks.release(os.path.join(folder, names.LOCK))

    def _folders(self) -> Iterator[tuple[str, bool]]:
        for folder in subfolders(self._root):
            if folder not in self._mine and self._take(folder):
                self._mine.append(folder)
            yield folder, folder not in self._mine

    def _take(self, folder: str) -> bool:
        with suppress(OSError):
            return self._locks.take(os.path.join(folder, names.LOCK), make=True)
        return False


@contextmanager
def visit(root: str) -> Iterator[Visit]:
    """Visit a spool. Raises `SetupError` if there is none, or if it is not to be touched."""
    visitor = Visit(root)
    try:
        yield visitor
    except OSError as error:
        raise SetupError(f"the spool cannot be used: {error}") from error
    finally:
        visitor.end()


def _envelopes(folder: str) -> Iterator[tuple[str, int]]:
    for name in filter(names.is_file, names_in(folder)):
        path = os.path.join(folder, name)
        with suppress(FileNotFoundError):  # a running program has just sent it
            yield path, os.path.getsize(path)
