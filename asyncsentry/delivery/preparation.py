"""What is to be done yet for what waits to be sent, and the thread that does it."""

from __future__ import annotations

import logging
import time
from _thread import get_ident
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from asyncsentry import own, process
from asyncsentry.delivery.turns import Readiness

MOST: Final = 4096
"""How many steps wait at most: where the disk hangs, the oldest are not taken."""

GLANCE: Final = 0.001
"""Seconds between two looks at whether all is done."""

BEGINS_WITHIN: Final = 0.1
"""Seconds after which a thread that was started and has not begun is started again."""

logger = logging.getLogger("asyncsentry")


class Preparation:
    """Readiness of all that is sent: the steps to be taken for it, and what is ``besides``. May be used from anywhere.

    A short-lived thread of the system's own takes them, so that no loop or hub waits for a disk, or for the processor.
    Where none can be started, at the end of the interpreter, they are taken in place.
    """

    def __init__(self, besides: Readiness, now: Callable[[], float] = time.monotonic) -> None:
        self._besides = besides
        self._now = now
        self._steps: deque[Callable[[], None]] = deque(maxlen=MOST)
        self._takers: deque[int] = deque()
        self._begun = float("-inf")

    @property
    def known(self) -> bool:
        return not self._steps and not self._takers and self._besides.known

    def expect(self, steps: Iterable[Callable[[], None]]) -> None:
        """These are to be taken, too, before anything is sent."""
        self._steps.extend(steps)
        self._begin()

    def find_out(self) -> None:
        """See that it goes on."""
        self._begin()
        self._besides.find_out()

    def wait(self, timeout: float) -> None:
        """Wait, blocking, until all is known; not in the thread that takes the steps, where a finalizer may capture.

        By looking again and again, as `Facts` does.
        """
        deadline = self._now() + timeout
        self._besides.wait(timeout)
        self._begin()
        while (self._steps or self._takers) and get_ident() not in self._takers and self._now() < deadline:
            time.sleep(GLANCE)

    def _begin(self) -> None:
        now = self._now()
        if not self._steps or self._takers or now - self._begun < BEGINS_WITHIN:
            return
        self._begun = now
        try:
            process.start_thread(self._take)
        except RuntimeError:
            self._take()

    def _take(self) -> None:
        here = get_ident()
        self._takers.append(here)
        try:
            own.work(self._take_all)
        finally:
            self._takers.remove(here)
            self._begun = float("-inf")

    def _take_all(self) -> None:
        while (step := self._next()) is not None:
            try:
                step()
            except Exception:
                logger.debug("a step before the sending of an item failed", exc_info=True)

    def _next(self) -> Callable[[], None] | None:
        try:
            return self._steps.popleft()
        except IndexError:  # also if another thread was quicker
            return None
