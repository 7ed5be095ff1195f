"""When the server is told of losses."""

from __future__ import annotations

from typing import Final

from asyncsentry.delivery.limits import Limits
from asyncsentry.delivery.losses import Counts, Losses

REPORT_AFTER: Final = 30.0
"""Seconds after which losses are reported in an envelope of their own, if no other took them along."""

_NOTHING: Final = Counts()


class Reports:
    """The client reports of one client, numbered from 1. The outbox's turnstile guards it."""

    def __init__(self, losses: Losses, limits: Limits, *, wanted: bool) -> None:
        self._losses = losses
        self._limits = limits
        self._wanted = wanted
        self._own_at: float | None = None
        self._latest = 0

    def due(self, now: float) -> float | None:
        """When the next report goes in an envelope of its own; None if there is nothing to tell."""
        if not self._waiting():
            return None
        if self._own_at is None:
            self._own_at = now + REPORT_AFTER
        return max(self._own_at, self._limits.end("internal"))

    def take(self, now: float, *, riding: bool) -> tuple[Counts, int]:
        """What to report now, with the report's number; nothing and 0 if it is not time. It rides along at any time."""
        due = self.due(now)
        if due is None or self._refused(now) or (due > now and not riding):
            return _NOTHING, 0
        self._own_at = None
        self._latest += 1
        return self._losses.take(), self._latest

    def restore(self, counts: Counts) -> None:
        """Take back what was taken: its report surely did not arrive."""
        self._losses.restore(counts)

    def hasten(self, now: float) -> int:
        """Report all losses until now at once; gives the number of the report that tells the last of them."""
        if not self._waiting():
            return self._latest
        self._own_at = now
        return self._latest + 1

    def coming(self, number: int, now: float) -> bool:
        """Whether this report is still to be made, and may be."""
        return number > self._latest and self._waiting() and not self._refused(now)

    def _waiting(self) -> bool:
        return self._wanted and bool(self._losses)

    def _refused(self, now: float) -> bool:
        return self._limits.limited("internal", now)
