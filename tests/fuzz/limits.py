"""Whatever a server says of its limits: nothing is raised, none is longer than a day, and none shortens another."""

from __future__ import annotations

from asyncsentry.delivery.limits import LONGEST_LIMIT, Limits, parse_retry_after
from asyncsentry.item import PRIORITY, Category
from fuzz.feed import Feed, as_text

WORDS = (
    *(b"60:error:key", b"60", b":", b";", b",", b"error", b"transaction", b"attachment_item", b"log_byte", b"default"),
    *(b"60::organization:reason:ns", b"-1", b"1e400", b"nan", b"inf", b"1_0", b"0x10", b" ", b"2700:", b"key"),
    *(b"Wed, 21 Oct 2026 07:28:00 GMT", b"Wed, 21 Oct 2026 07:28:00 -0000", b"01 Jan 0001 00:00:00 +2359", b"GMT"),
    *("١٢".encode(), b"31 Dec 9999 23:59:59 -2359", b"99999999999999999999"),
)

WALL = 1_700_000_000.0
HEADERS = ("x-sentry-rate-limits", "retry-after")
STATUSES = (200, 429, 503, 0)


def target(data: bytes) -> None:
    feed, limits, now = Feed(data), Limits(), 1000.0
    while feed:
        status = feed.choose(STATUSES)
        headers = {name: as_text(feed.take(feed.below(128))) for name in HEADERS if feed.flag()}
        before: dict[Category, float] = {category: limits.end(category) for category in PRIORITY}
        limits.update(status, headers, now, WALL)
        for category, earlier in before.items():
            end = limits.end(category)
            assert earlier <= end <= max(earlier, now + LONGEST_LIMIT)
            assert limits.limited(category, now) == (now < end)
            assert not limits.limited(category, end)
            if status != 429 and HEADERS[0] not in headers:
                assert end == earlier
        asked = parse_retry_after(headers.get("retry-after"), WALL)
        assert asked is None or 0 <= asked <= LONGEST_LIMIT
        now += feed.below(256)
