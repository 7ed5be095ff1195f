"""What is put is leased, settled, tried again, or counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from asyncsentry.delivery.retry import MAX_TRIES
from asyncsentry.transport.protocol import NoResponse, Response
from delivery.material import (
    CANCELLED,
    ELSEWHERE,
    HERE,
    LOST,
    OK,
    PATIENCE,
    REFUSED,
    Box,
    event,
    items,
    limits,
    other,
    session,
)

NETWORK_ERROR = ("network_error", "error")


def test_what_was_put_is_sent_once() -> None:
    box = Box()
    first, second = event(1), event(2)
    box.put(first, second)
    assert box.send() == (first,)
    assert box.send() == (second,)
    assert box.rests()
    assert box.due() is None
    assert box.lost() == {}


def test_only_so_many_are_in_flight() -> None:
    box = Box(in_flight=2)
    box.put(*(event(number) for number in range(3)))
    first = box.next()
    box.next()
    assert box.rests()
    assert box.due() == PATIENCE  # until the first of them is given up on
    box.settle(first)
    assert box.due() == 0
    box.next()


def test_who_is_in_a_hurry_waits_for_no_back_off_and_no_other() -> None:
    box = Box(in_flight=1)
    box.put(event(1), event(2), event(3))
    box.next()
    lease = box.next(hurry=True)
    box.settle(lease, REFUSED)
    box.settle(box.next(hurry=True), REFUSED)
    assert box.due() == PATIENCE
    assert items(box.next(hurry=True))


# -- leases


def test_a_lease_settles_once() -> None:
    box = Box()
    box.put(event())
    lease = box.next()
    box.settle(lease)
    for outcome in (OK, REFUSED, LOST, Response(500, {}), OK):
        box.settle(lease, outcome)
    assert box.rests()
    assert box.lost() == {}


def test_a_lease_that_nobody_settles_is_taken_back_at_its_deadline() -> None:
    box = Box()
    one = event()
    box.put(one)
    box.next()
    assert box.due() == PATIENCE
    box.clock.advance(PATIENCE)
    assert box.send() == (one,)


def test_a_transport_that_never_settles_is_not_tried_for_ever() -> None:
    box = Box()
    box.put(event())
    for _ in range(MAX_TRIES):
        box.next()
        box.clock.advance(PATIENCE)
    assert box.rests()
    assert box.lost() == {NETWORK_ERROR: 1}


def test_a_late_success_takes_back_what_waits_to_be_sent_again() -> None:
    box = Box()
    first, second = event(1), event(2)
    box.put(first, second)
    lease = box.next()
    box.outbox.reclaim()
    box.settle(lease)
    assert box.send() == (second,)
    assert box.rests()
    assert box.outbox.give_up(box.clock()) == 0


def test_a_late_success_makes_a_second_send_of_the_same_unimportant() -> None:
    box = Box()
    box.put(event())
    lease = box.next()
    box.outbox.reclaim()
    again = box.next()
    box.settle(lease)
    box.settle(again, Response(400, {}))
    assert box.rests()
    assert box.lost() == {}


@pytest.mark.parametrize("outcome", [REFUSED, LOST])
def test_a_late_success_makes_a_second_failure_unimportant(outcome: NoResponse) -> None:
    box = Box()
    box.put(event())
    lease = box.next()
    box.outbox.reclaim()
    again = box.next()
    box.settle(lease)
    box.settle(again, outcome)
    assert box.rests()
    assert box.lost() == {}


@pytest.mark.parametrize("outcome", [REFUSED, LOST, Response(500, {}), Response(429, {})])
def test_a_late_failure_changes_nothing(outcome: Response | NoResponse) -> None:
    box = Box()
    one = event()
    box.put(one)
    lease = box.next()
    box.outbox.reclaim()
    box.settle(lease, outcome)
    assert box.lost() == {}
    assert box.due() == 0


def test_a_late_answer_still_teaches_the_limits() -> None:
    box = Box()
    box.put(session())
    lease = box.next()
    box.outbox.reclaim()
    box.settle(lease, limits("60:error:key"))
    assert box.outbox.refusal("error", box.clock()) == "ratelimit_backoff"


def test_one_thread_can_be_told_to_have_failed() -> None:
    box = Box()
    here, elsewhere = event(1), event(2)
    box.put(here, elsewhere)
    box.next(HERE)
    box.next(ELSEWHERE)
    assert box.outbox.in_flight(besides=HERE)
    box.outbox.reclaim(ELSEWHERE)
    assert not box.outbox.in_flight(besides=HERE)
    assert box.outbox.in_flight(besides=ELSEWHERE)
    assert box.send() == (elsewhere,)


def test_being_taken_back_is_no_try() -> None:
    box = Box()
    box.put(event())
    for _ in range(3 * MAX_TRIES):
        box.next()
        box.outbox.reclaim(HERE)
    assert box.send()


def test_what_cannot_be_encoded_is_counted_once() -> None:
    box = Box()
    box.losses.add("sample_rate", "error")
    box.put(event())
    lease = box.next()
    box.outbox.spoil(lease, box.clock())
    box.outbox.spoil(lease, box.clock())
    assert box.lost() == {("sample_rate", "error"): 1, ("internal_sdk_error", "error"): 1}
    box.put(event())
    assert dict(box.next().losses) == box.lost()  # what it was to report is reported by the next


def test_what_is_given_up_is_counted_once() -> None:
    box = Box()
    box.put(event(1), event(2), session())
    lease = box.next()
    assert box.outbox.give_up(box.clock()) == 3
    box.settle(lease, CANCELLED)
    box.settle(lease, OK)
    assert box.rests()
    assert box.outbox.give_up(box.clock()) == 0
    assert box.lost() == {NETWORK_ERROR: 2, ("network_error", "session"): 1}


# -- bounds


def test_a_full_outbox_refuses_and_counts() -> None:
    box = Box(bytes=200)
    box.put(event(1), event(2))
    assert box.outbox.refusal("error", box.clock()) == "queue_overflow"
    box.put(event(3))
    assert box.lost() == {("queue_overflow", "error"): 1}
    box.next()
    assert box.outbox.refusal("error", box.clock()) is None


def test_the_more_important_evicts_the_less_important() -> None:
    box = Box(bytes=200)
    box.put(other("log_item"), other("transaction"), event(1), event(2), event(3))
    assert box.lost() == {
        ("queue_overflow", "log_item"): 1,
        ("queue_overflow", "transaction"): 1,
        ("queue_overflow", "error"): 1,
    }


def test_twenty_thousand_items_cost_as_much_each_as_a_few() -> None:
    """A walk over what waits, for each, would take minutes, which no test has."""
    box = Box(bytes=20_000 * 100)
    for number in range(25_000):
        box.put(event(number))
        assert box.due() == 0
        box.idle()
    for number in range(20_000):
        box.settle(box.next(), CANCELLED if number % 2 else OK)
        assert box.due() == 0
    while box.due() is not None:
        box.send()
    assert box.lost() == {("queue_overflow", "error"): 5000}


# -- from within


def test_a_capture_in_the_middle_of_anything_waits_for_its_turn() -> None:
    box = Box()
    late = event(2)

    def interrupted() -> str:
        """As a signal handler does that interrupts the thread inside."""
        box.put(late)
        assert box.due() == 0, "it cannot be said now"
        assert box.rests()
        assert box.outbox.give_up(box.clock()) == 0
        return "done"

    box.put(event(1))
    assert box.outbox._turnstile.ask(interrupted, "none") == "done"
    assert len(items(box.next())) == 1
    assert items(box.next()) == (late,)


def test_a_settlement_in_the_middle_of_anything_is_not_lost() -> None:
    box = Box()
    box.put(event())
    lease = box.next()
    idle = box.idle()
    box.outbox._turnstile.ask(lambda: box.settle(lease), None)
    assert not idle.done()
    assert box.due() == 0, "a latch is to be opened"
    assert box.rests()
    assert idle.done()
    assert box.due() is None


def test_what_comes_while_the_due_time_is_looked_up_makes_it_due() -> None:
    """Else what a signal handler captured there would lie until the next capture."""

    box = Box()
    box.put(event(1))
    box.next()
    when = _InterruptingTime(box.clock(), lambda: box.put(event(2)))
    assert box.outbox.due(when) == 0
    assert box.send()


class _InterruptingTime(float):
    """A time at whose subtraction, the last step of the look-up, the handler comes."""

    handler: Callable[[], None]

    def __new__(cls, seconds: float, handler: Callable[[], None]) -> _InterruptingTime:
        self = super().__new__(cls, seconds)
        self.handler = handler
        return self

    def __rsub__(self, value: float) -> float:
        self.handler()
        return value - float(self)
