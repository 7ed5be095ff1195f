"""What is not known yet of what waits to be sent, and the thread that finds it out."""

from __future__ import annotations

import logging
import time
from _thread import get_ident
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from asyncsentry import own, process
from asyncsentry.delivery.turns import Readiness
from asyncsentry.item import Gap

MOST: Final = 4096
"""How many gaps wait at most: where the disk hangs, the oldest are not filled."""

GLANCE: Final = 0.001
"""Seconds between two looks at whether all is known."""

BEGINS_WITHIN: Final = 0.1
"""Seconds after which a thread that was started and has not begun is started again."""

logger = logging.getLogger("asyncsentry")


class Gaps:
    """Readiness of all that is sent: the gaps in it, and what is ``besides``. May be used from anywhere.

    A short-lived thread of the system's own finds out what is in the gaps, so no loop or hub waits for a disk. Where
    none can be started, at the end of the interpreter, it is found out in place.
    """

    def __init__(self, besides: Readiness, now: Callable[[], float] = time.monotonic) -> None:
        self._besides = besides
        self._now = now
        self._wanted: deque[Gap] = deque(maxlen=MOST)
        self._finders: deque[int] = deque()
        self._begun = float("-inf")

    @property
    def known(self) -> bool:
        return not self._wanted and not self._finders and self._besides.known

    def expect(self, gaps: Sequence[Gap]) -> None:
        """These are to be found out, too, before anything is sent."""
        self._wanted.extend(gaps)
        self._begin()

    def find_out(self) -> None:
        """See that it goes on."""
        self._begin()
        self._besides.find_out()

    def wait(self, timeout: float) -> None:
        """Wait, blocking, until all is known; not in a thread that finds it out, where a finalizer may capture.

        By looking again and again, as `Facts` does.
        """
        deadline = self._now() + timeout
        self._besides.wait(timeout)
        self._begin()
        while (self._wanted or self._finders) and get_ident() not in self._finders and self._now() < deadline:
            time.sleep(GLANCE)

    def _begin(self) -> None:
        now = self._now()
        if not self._wanted or self._finders or now - self._begun < BEGINS_WITHIN:
            return
        self._begun = now
        try:
            process.start_thread(self._find_out)
        except RuntimeError:
            self._find_out()

    def _find_out(self) -> None:
        here = get_ident()
        self._finders.append(here)
        try:
            own.work(self._find_all)
        finally:
            self._finders.remove(here)
            self._begun = float("-inf")

    def _find_all(self) -> None:
        while (gap := self._next()) is not None:
            try:
                gap.find_out()
            except Exception:
                logger.debug("something that an event lacks could not be found out", exc_info=True)

    def _next(self) -> Gap | None:
        try:
            return self._wanted.popleft()
        except IndexError:  # also if another thread was quicker
            return None
