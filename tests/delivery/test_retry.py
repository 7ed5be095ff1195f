"""How long a failing server is left alone."""

from __future__ import annotations

import random

from asyncsentry.delivery.retry import LONGEST_PAUSE, MAX_AGE, Backoff


def pauses(backoff: Backoff, count: int) -> list[float]:
    return [backoff.fail(backoff.failures) for _ in range(count)]


def test_the_first_failure_costs_no_pause_then_it_doubles() -> None:
    assert pauses(Backoff(lambda: 1.0), 9) == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_PAUSE, LONGEST_PAUSE]


def test_after_a_time_out_the_first_pause_comes_at_once() -> None:
    backoff = Backoff(lambda: 1.0)
    assert [backoff.fail(backoff.failures, timed_out=True) for _ in range(3)] == [1.0, 2.0, 4.0]
    backoff.succeed()
    assert (backoff.fail(0), backoff.fail(1, timed_out=True)) == (0.0, 1.0)


def test_a_thousand_failures_are_no_different() -> None:
    assert pauses(Backoff(lambda: 1.0), 1000)[-1] == LONGEST_PAUSE


def test_the_jitter_is_full() -> None:
    found = [pauses(Backoff(random.Random(seed).random), 5)[-1] for seed in range(200)]
    assert 0 <= min(found) < 1
    assert 7 < max(found) <= 8


def test_a_success_forgets_all_failures() -> None:
    backoff = Backoff(lambda: 1.0)
    pauses(backoff, 5)
    backoff.succeed()
    assert pauses(backoff, 2) == [0.0, 1.0]


def test_requests_that_fail_together_count_once() -> None:
    backoff = Backoff(lambda: 1.0)
    assert [backoff.fail(0) for _ in range(4)] == [0.0] * 4
    assert backoff.failures == 1


def test_the_server_may_ask_for_more_time_and_not_for_less() -> None:
    backoff = Backoff(lambda: 1.0)
    assert backoff.fail(0, 30.0) == 30.0
    assert backoff.fail(1, 0.0) == 1.0
    assert backoff.fail(1, 5.0) == 5.0
    assert backoff.fail(2, 1e9) == MAX_AGE
