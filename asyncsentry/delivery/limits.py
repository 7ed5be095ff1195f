"""When the server takes which category again.

The rules are those of https://develop.sentry.dev/sdk/foundations/transport/rate-limiting/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Final

from asyncsentry.item import PRIORITY, Category

DEFAULT_LIMIT: Final = 60.0
"""Seconds to send nothing after a 429 that does not say how long."""

LONGEST_LIMIT: Final = 24 * 3600.0
"""Seconds after which the server is asked again, whatever it said."""

_IN_OTHER_UNITS: Final[Mapping[str, Category]] = {
    "attachment_item": "attachment",
    "log_byte": "log_item",
    "trace_metric_byte": "trace_metric",
}
_CATEGORIES: Final[Mapping[str, Category]] = {**{name: name for name in PRIORITY}, **_IN_OTHER_UNITS}


class Limits:
    """The rate limits of one client's server, in the caller's own clock. The outbox's lock guards it."""

    def __init__(self) -> None:
        self._ends: dict[Category, float] = {}

    def limited(self, category: Category, now: float) -> bool:
        """Whether the server asked not to be sent this category now."""
        return now < self._ends.get(category, now)

    def end(self, category: Category) -> float:
        """When this category's limit is over (possibly long ago)."""
        return self._ends.get(category, 0.0)

    def update(self, status: int, headers: Mapping[str, str], now: float, wall: float) -> None:
        """Learn from one answer, whatever its status. ``wall`` is the time of day, in Unix seconds.

        A limit never shortens an earlier one. Where ``X-Sentry-Rate-Limits`` stands, ``Retry-After`` does not count.
        """
        header = headers.get("x-sentry-rate-limits")
        if header is not None:
            for seconds, categories in _parse_limits(header):
                self._limit(now + seconds, categories)
        elif status == 429:
            asked = parse_retry_after(headers.get("retry-after"), wall)
            self._limit(now + (DEFAULT_LIMIT if asked is None else asked), set(PRIORITY))

    def _limit(self, end: float, categories: set[Category]) -> None:
        for category in categories:
            self._ends[category] = max(end, self._ends.get(category, end))


def _parse_limits(header: str) -> Iterator[tuple[float, set[Category]]]:
    """Each readable limit: its seconds, and the categories of it that we know; no category named means all."""
    for limit in header.replace(" ", "").split(","):
        fields = limit.split(":")
        seconds = _seconds(fields[0])
        if seconds is None or len(fields) < 2:
            continue
        names = [name for name in fields[1].split(";") if name]
        known: set[Category] = {_CATEGORIES[name] for name in names if name in _CATEGORIES}
        yield seconds, known if names else set(PRIORITY)


def parse_retry_after(value: str | None, wall: float) -> float | None:
    """Seconds to wait, from seconds or an HTTP date (RFC 9110, 10.2.3); None if it cannot be read."""
    if value is None:
        return None
    seconds = _seconds(value.strip())
    if seconds is not None:
        return seconds
    from email.utils import parsedate_to_datetime

    try:
        seconds = parsedate_to_datetime(value).timestamp() - wall
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_LIMIT)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return min(seconds, LONGEST_LIMIT) if isfinite(seconds) and seconds >= 0 else None
