"""Waiting for what other threads do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Changes:
    """Lets threads wait for one another without asking again and again."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    def note(self) -> None:
        """Say that something has changed."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait_for(self, predicate: Callable[[], object], timeout: float) -> bool:
        """Whether ``predicate`` came true in time. It is asked after each change, and never under the lock."""
        deadline = time.monotonic() + timeout
        while True:
            seen = self._count
            if predicate():
                return True
            if not self._next(seen, deadline - time.monotonic()):
                return False

    def _next(self, seen: int, timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._count != seen, timeout)
