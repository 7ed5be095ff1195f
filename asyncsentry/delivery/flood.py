"""Flood control: of one issue only so many events a minute are made, and the next one says how many were held back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Final

MOST_ISSUES: Final = 1024
"""How many issues are known at once; the one that was let through longest ago is forgotten for a new one."""

MINUTE: Final = 60.0


class _Bucket:
    """The tokens of one issue: what it may still send, as it was at ``filled``."""

    __slots__ = ("filled", "held_back", "tokens")

    def __init__(self, tokens: float, filled: float) -> None:
        self.tokens = tokens
        self.filled = filled
        self.held_back = 0


class Flood:
    """A token bucket for each issue, which holds ``limit`` tokens and is filled once a minute.

    No lock: this is asked wherever something is captured, in a finalizer and under any lock. Threads that ask at the
    same instant may get one event more, and what was held back may be said twice, or not of one; the losses, which are
    counted apart, are exact.
    """

    def __init__(self, limit: int, now: Callable[[], float]) -> None:
        self._limit = limit
        self._now = now
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def admit(self, issue: Hashable) -> int | None:
        """How many events of this issue were held back since one said so; None if this one is held back, too."""
        now = self._now()
        bucket = self._buckets.get(issue)
        if bucket is None:
            self._remember(issue, _Bucket(self._limit - 1.0, now))
            return 0
        tokens = min(self._limit, bucket.tokens + (now - bucket.filled) * self._limit / MINUTE)
        bucket.filled = now
        if tokens < 1:
            bucket.tokens = tokens
            bucket.held_back += 1
            return None
        bucket.tokens = tokens - 1
        self._remember(issue, bucket)
        return bucket.held_back

    def tell(self, issue: Hashable, held_back: int) -> None:
        """An event that says so is on its way: no other need say so."""
        bucket = self._buckets.get(issue)
        if bucket is not None:
            bucket.held_back = max(0, bucket.held_back - held_back)

    def _remember(self, issue: Hashable, bucket: _Bucket) -> None:
        """As the latest."""
        self._buckets[issue] = bucket
        with suppress(KeyError):  # another thread has just had it forgotten
            self._buckets.move_to_end(issue)
            if len(self._buckets) > MOST_ISSUES:
                self._buckets.popitem(last=False)
