"""Who lives: a lock on a file, which the system takes back from a process that is gone, however it went."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from asyncsentry import process

if sys.platform == "win32":  # pragma: no cover - the tests run where there is flock
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Locks:
    """The locks that this process holds, each by its path.

    A forked child inherits their descriptors, and a lock is held for as long as any of them is open: it has to
    `forget`.
    """

    def __init__(self) -> None:
        self._held: dict[str, int] = {}

    def take(self, path: str, *, make: bool = False) -> bool:
        """Take the lock of a file, which this makes if it is to; False if somebody else has it. Raises `OSError`."""
        self._open(path, make=make)
        return self._hold(path)

    def release(self, path: str) -> None:
        """Give a lock back, if it is held."""
        descriptor = self._held.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)

    def forget(self) -> None:
        """This is a forked child: the locks are its parent's. Closing what was inherited does not unlock them."""
        while self._held:
            with suppress(OSError):
                os.close(self._held.popitem()[1])

    def _open(self, path: str, *, make: bool) -> None:
        with process.loading:  # over a fork: what is opened just then would be the child's for ever
            self._held[path] = os.open(path, os.O_RDWR | (os.O_CREAT if make else 0), 0o600)

    def _hold(self, path: str) -> bool:
        descriptor = self._held[path]
        try:
            _take(descriptor)
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return True
        except OSError:  # held, or removed by the one who held it
            pass
        self.release(path)
        return False
