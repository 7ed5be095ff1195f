"""What a server got, in the order in which it came."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from asyncsentry.testing.envelopes import Envelope


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request that was read to its end, or far enough to be refused."""

    method: str
    path: str
    """The request's target as it was sent, with its query if it had one."""
    headers: Mapping[str, str] = field(repr=False)
    """Names are lower-case; of several of one name the values are joined by ``", "``."""
    body: bytes = field(repr=False)
    """The body without its ``Content-Encoding``."""
    raw_body: bytes = field(repr=False)
    """The body as it was sent, its chunks joined."""
    received_at: float
    """When its last byte had been read, in seconds since the epoch."""
    connection: int
    """Which connection it came on: the first one is 1."""
    envelope: Envelope | None
    error: str | None
    """Why it was refused."""
    status: int | None
    """What it was answered with; None for a hang, and for a reset before the answer."""

    @property
    def accepted(self) -> bool:
        """Whether a real server would have stored what is in it."""
        return self.envelope is not None and self.status is not None and 200 <= self.status < 300

    def __str__(self) -> str:
        types = ", ".join(item.type for item in self.envelope.items) if self.envelope else ""
        return f"{self.method} {self.path} -> {self.status or 'no answer'}: {self.error or types or 'no items'}"


class Changes:
    """Lets threads wait for what other threads do, without asking again and again."""

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
