"""The spool of one client: a thread that waits for the disk, so that nobody else does."""

from __future__ import annotations

import logging
import time
from _queue import Empty, SimpleQueue
from collections import deque
from collections.abc import Callable
from threading import get_native_id
from typing import Final

from asyncsentry.delivery.spool import threads
from asyncsentry.delivery.spool.crashes import Crashes, Report, ignore
from asyncsentry.delivery.spool.fatal import FatalErrors
from asyncsentry.delivery.spool.folder import Folder
from asyncsentry.delivery.spool.keeper import Keeper

SAVED_WITHIN: Final = 1.0
"""Seconds that an end waits for the disk, beyond those for the server."""

GLANCE: Final = 0.005
"""Seconds between two looks at whether the thread is done."""

logger = logging.getLogger("asyncsentry")


class Spool:
    """Works from `start` to `save`. `wake` may be called from anywhere.

    The queues are `_queue`'s: those of `queue` are others in a program that gevent or eventlet has patched.
    """

    def __init__(
        self,
        keeper: Keeper,
        folder: Folder,
        *,
        fatal: FatalErrors | None = None,
        crashed: Report = ignore,
    ) -> None:
        """``crashed`` is told, in the thread, what is found of processes that crashed."""
        self._keeper = keeper
        self._folder = folder
        self._fatal = fatal
        self._crashes = Crashes(folder, crashed)
        self._arm: Callable[[], object] = bool
        self._unstarted = deque([True])
        self._thread: int | None = None
        self._asleep = False
        self._ended = False
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._over: SimpleQueue[None] = SimpleQueue()

    def start(self, arm: Callable[[], object]) -> None:
        """Begin; ``arm`` sees that a turn runs for what was brought back."""
        self._arm = arm
        if self._fatal is not None:
            self._fatal.begin()
        self._unstarted.pop()
        threads.start(self._work, "asyncsentry-spool", failed=self._fail)

    def wake(self) -> None:
        """There is something to do."""
        if self._asleep:
            self._asleep = False
            self._calls.put(None)

    def catch_up(self) -> bool:
        """Wait a moment for the thread, as the program may end in the next; whether all that has an id is on disk.

        By looking again and again: this may be a signal handler.
        """
        self.wake()
        deadline = time.monotonic() + SAVED_WITHIN
        while not self._asleep and time.monotonic() < deadline:
            time.sleep(GLANCE)
        return self._keeper.done

    def save(self) -> None:
        """End the thread, and file from this one what is not on disk yet. All that is left is to be given up then."""
        deadline = time.monotonic() + SAVED_WITHIN
        if self._over_within(SAVED_WITHIN):
            self._keeper.tidy()
            while time.monotonic() < deadline and self._keeper.file_next():
                pass
            self._forget_crashes()

    def leave(self) -> None:
        """Remove what is settled, and leave the rest to the next process."""
        if self._over_within(0.0):
            self._keeper.tidy()
            if self._fatal is not None:
                self._fatal.end()
            self._keeper.close()

    def leave_behind(self) -> None:
        """This is a forked child: the folder is its parent's, whose thread is not here."""
        self._ended = True
        self._folder.forget()

    def _over_within(self, seconds: float) -> bool:
        """Whether the thread has ended, so that this one may do its work; ``seconds`` to wait for that."""
        self._ended = True
        self._calls.put(None)
        if self._unstarted or self._thread == get_native_id():
            return True
        try:
            self._over.put(self._over.get(timeout=seconds))
        except Empty:
            return False
        return True

    def _fail(self) -> None:
        self._over.put(None)

    def _work(self) -> None:
        self._thread = get_native_id()
        try:
            while not self._ended:
                self._do_all()
                self._sleep()
        except Exception:
            logger.debug("the spool's thread failed", exc_info=True)
        finally:
            self._over.put(None)

    def _sleep(self) -> None:
        """Wait until there is something to do. Who wakes us looks at `_asleep` after there was something."""
        self._asleep = True
        seconds = self._keeper.rest()
        if seconds > 0 and not self._ended:
            try:
                self._calls.get(timeout=seconds)
            except Empty:
                pass
        self._asleep = False

    def _do_all(self) -> None:
        keeper = self._keeper
        keeper.look()
        self._file_all()
        while not (self._ended or self._crashes.reported) and self._crashes.report_next():
            self._file_all()
        back = False
        while not self._ended and (found := keeper.bring_back()) is not None and keeper.replay(*found):
            back = True
        if back:
            keeper.pause()
            self._arm()

    def _file_all(self) -> None:
        self._keeper.tidy()
        while not self._ended and self._keeper.file_next():
            self._keeper.tidy()
        self._forget_crashes()

    def _forget_crashes(self) -> None:
        if self._crashes.reported and self._keeper.done:
            self._crashes.forget_reported()
