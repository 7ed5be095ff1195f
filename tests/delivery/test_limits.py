"""Rate limits, as https://develop.sentry.dev/sdk/foundations/transport/rate-limiting/ has them."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from asyncsentry.delivery.limits import DEFAULT_LIMIT, LONGEST_LIMIT, Limits, parse_retry_after
from asyncsentry.item import PRIORITY, Category
from delivery.material import WALL

NOW = 1000.0


def learn(status: int = 200, *, limits: str | None = None, retry_after: str | None = None) -> Limits:
    learned = Limits()
    teach(learned, status, limits=limits, retry_after=retry_after)
    return learned


def teach(
    learned: Limits, status: int = 200, *, limits: str | None = None, retry_after: str | None = None, now: float = NOW
) -> None:
    headers = {"x-sentry-rate-limits": limits, "retry-after": retry_after}
    learned.update(status, {name: value for name, value in headers.items() if value is not None}, now, WALL)


def limited(limits: Limits, after: float = 0.0) -> set[Category]:
    return {category for category in PRIORITY if limits.limited(category, NOW + after)}


EVERYTHING = set(PRIORITY)


def test_t16_limits_count_by_category_on_any_answer() -> None:
    limits = learn(limits="60:error:key, 2.5:transaction;bogus:organization:r:x:y")
    assert limited(limits) == {"error", "transaction"}
    assert limited(limits, 2.4) == {"error", "transaction"}
    assert limited(limits, 2.6) == {"error"}
    assert limited(limits, 59.9) == {"error"}
    assert limited(limits, 60.0) == set()
    assert limits.end("error") == NOW + 60
    assert limits.end("session") == 0.0


def test_t17_no_category_means_all_with_client_reports() -> None:
    assert limited(learn(limits="60::organization")) == EVERYTHING
    assert "internal" in EVERYTHING


@pytest.mark.parametrize("nothing", ["60:bogus:key", ":error:", "abc", "", "60", "nan:error:key", "inf:error:", "-1::"])
def test_t17_what_cannot_be_read_limits_nothing(nothing: str) -> None:
    assert limited(learn(429, limits=nothing)) == set()


@pytest.mark.parametrize("noise", [":error:", "abc", "", "60:bogus:key"])
def test_t17_what_stands_beside_what_cannot_be_read_still_counts(noise: str) -> None:
    assert limited(learn(limits=f"{noise},5:session:key , 7 : transaction : key")) == {"session", "transaction"}


def test_categories_that_count_in_another_unit_are_the_same_items() -> None:
    limits = learn(limits="60:attachment_item;log_byte;trace_metric_byte:key")
    assert limited(limits) == {"attachment", "log_item", "trace_metric"}


def test_t18_a_later_limit_never_shortens_an_earlier_one() -> None:
    limits = learn(limits="100:error:key")
    teach(limits, limits="5:error:key")
    assert limited(limits, 6) == {"error"}
    teach(limits, limits="200:error:key")
    assert limited(limits, 101) == {"error"}


def test_t19_a_429_that_says_nothing_means_a_minute_of_silence() -> None:
    limits = learn(429)
    assert limited(limits, DEFAULT_LIMIT - 0.1) == EVERYTHING
    assert limited(limits, DEFAULT_LIMIT) == set()


@pytest.mark.parametrize("asked", ["3", " 3 ", formatdate(WALL + 3, usegmt=True)])
def test_t19_a_429_may_say_how_long_in_seconds_or_as_a_date(asked: str) -> None:
    limits = learn(429, retry_after=asked)
    assert limited(limits, 2.9) == EVERYTHING
    assert limited(limits, 3.1) == set()


def test_t19_of_two_headers_only_the_limits_count() -> None:
    limits = learn(429, limits="5:error:key", retry_after="600")
    assert limited(limits) == {"error"}
    assert limited(limits, 6) == set()


def test_retry_after_counts_with_a_429_alone() -> None:
    assert limited(learn(503, retry_after="600")) == set()


def test_no_limit_lasts_for_ever() -> None:
    assert limited(learn(limits="1e300:error:key"), LONGEST_LIMIT) == set()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
        ("1.5", 1.5),
        ("0", 0.0),
        ("1e300", LONGEST_LIMIT),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),  # long ago
        ("Wed, 21 Oct 9015 07:28:00 GMT", LONGEST_LIMIT),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, WALL) == seconds
