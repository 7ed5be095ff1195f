"""When a failed send is tried again, and when it has been tried enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from asyncsentry.chance import uniform as any_number

RETRY_STATUSES: Final = frozenset({502, 503, 504})
"""What proxies in front of a self-hosted server answer while it is deployed: the request may be sent again."""

MAX_TRIES: Final = 10
"""How often one item is sent when each time it may have arrived: for the minute or two that a server's restart takes.
Not counted is a server that cannot be reached."""

MAX_AGE: Final = 2 * 3600.0
"""Seconds for which an item is worth sending: more than an hour without network."""

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0


class Backoff:
    """How long to leave a failing server alone: doubling, with full jitter, so that many clients do not come at once.

    The first failure costs no pause, as a kept-alive connection that had gone stale looks just like one; but for a
    time-out, after which the server is slow, or not there: whoever waited once must not wait twice in a row.
    """

    def __init__(self, uniform: Callable[[], float] = any_number) -> None:
        self._uniform = uniform
        self.failures = 0
        """How often in a row the server failed."""

    def succeed(self) -> None:
        self.failures = 0

    def fail(self, known: int, asked: float | None = None, *, timed_out: bool = False) -> float:
        """Seconds until the next try; at least what the server ``asked`` for, if that is not beyond reason.

        ``known`` is how many failures there were when the send began: of several that were under way together, as
        when a server restarts, only one counts.
        """
        pause = 0.0
        if known == self.failures:
            self.failures += 1 + (timed_out and not self.failures)
            pause = self._pause()
        return max(pause, min(asked or 0.0, MAX_AGE))

    def _pause(self) -> float:
        if self.failures == 1:
            return 0.0
        doublings = min(self.failures - 2, 16)
        return self._uniform() * min(LONGEST_PAUSE, FIRST_PAUSE * float(1 << doublings))
