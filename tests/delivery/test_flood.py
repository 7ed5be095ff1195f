"""Flood control: a bucket of tokens for each issue."""

from __future__ import annotations

import pytest

from asyncsentry.delivery.flood import MOST_ISSUES, Flood


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_as_many_as_the_limit_go_at_once_and_the_next_one_says_how_many_did_not(clock: Clock) -> None:
    flood = Flood(3, clock)
    assert [flood.admit("noisy") for _ in range(5)] == [0, 0, 0, None, None]
    clock.time += 20.0
    assert [flood.admit("noisy") for _ in range(2)] == [2, None]
    flood.tell("noisy", 2)
    clock.time += 20.0
    assert flood.admit("noisy") == 1


def test_what_no_event_has_told_is_told_by_the_next(clock: Clock) -> None:
    flood = Flood(3, clock)
    assert [flood.admit("noisy") for _ in range(5)] == [0, 0, 0, None, None]
    for told in (2, 2):
        clock.time += 20.0
        assert flood.admit("noisy") == told
    flood.tell("noisy", 2)
    clock.time += 20.0
    assert flood.admit("noisy") == 0
    flood.tell("unknown", 2)


def test_no_more_than_the_limit_is_saved_up(clock: Clock) -> None:
    flood = Flood(3, clock)
    flood.admit("noisy")
    clock.time += 3600.0
    assert [flood.admit("noisy") for _ in range(4)] == [0, 0, 0, None]


def test_a_limit_of_many_a_second_is_filled_little_by_little(clock: Clock) -> None:
    flood = Flood(6000, clock)
    assert [flood.admit("noisy") for _ in range(6001)][-2:] == [0, None]
    taken = 0
    for _ in range(1000):
        clock.time += 0.001
        taken += flood.admit("noisy") is not None
    assert taken in (99, 100)


def test_a_rare_issue_is_not_held_back_by_a_noisy_one(clock: Clock) -> None:
    flood = Flood(1, clock)
    assert [flood.admit("noisy") for _ in range(1000)].count(None) == 999
    assert flood.admit("rare") == 0


def test_of_many_issues_that_which_was_let_through_longest_ago_is_forgotten(clock: Clock) -> None:
    flood = Flood(2, clock)
    for issue in ("first", "second", "first"):
        flood.admit(issue)
    for number in range(MOST_ISSUES - 1):
        assert flood.admit(number) == 0
    assert flood.admit("first") is None
    assert [flood.admit("second") for _ in range(3)] == [0, 0, None]
