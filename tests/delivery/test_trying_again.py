"""What failed is sent again, or counted: each item by itself."""

from __future__ import annotations

import pytest

from asyncsentry.delivery.retry import MAX_AGE, MAX_TRIES
from asyncsentry.item import Attachment
from asyncsentry.transport.protocol import NoResponse, Response
from delivery.material import (
    CANCELLED,
    LOST,
    REFUSED,
    UNSENT_CANCELLED,
    Box,
    event,
    session,
)

NETWORK_ERROR = ("network_error", "error")


def test_a_first_failure_is_tried_again_at_once_then_with_growing_pauses() -> None:
    box = Box()
    box.put(event())
    box.send(REFUSED)
    for pause in (0.0, 1.0, 2.0, 4.0):
        assert box.due() == pause
        assert pause == 0 or box.rests()
        box.clock.advance(pause)
        box.send(REFUSED)
    box.clock.advance(8.0)
    box.send()
    box.put(event(2))
    box.send(LOST)
    assert box.due() == 0  # a success forgets the failures


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_a_proxy_answers_for_a_server_that_is_away_is_tried_again(status: int) -> None:
    box = Box()
    box.put(event())
    box.send(Response(status, {}))
    assert box.due() == 0
    box.send()
    assert box.lost() == {}


def test_a_server_may_say_when_to_come_back() -> None:
    box = Box()
    box.put(event())
    box.send(Response(503, {"retry-after": "30"}))
    assert box.due() == 30
    box.clock.advance(29.9)
    assert box.rests()
    box.clock.advance(0.2)
    box.send()


def test_requests_that_fail_together_are_one_failure() -> None:
    box = Box()
    box.put(*(event(number) for number in range(4)))
    for lease in [box.next() for _ in range(4)]:
        box.settle(lease, LOST)
    assert box.due() == 0


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 413, 415, 500])
def test_t20_a_refusal_is_final_and_counted(status: int) -> None:
    box = Box()
    box.put(event(attachments=(Attachment(b"abc", "a"),)), session())
    box.send(Response(status, {}))
    assert box.rests()
    assert box.lost() == {("send_error", "error"): 1, ("send_error", "attachment"): 3, ("send_error", "session"): 1}


def test_t20_a_429_is_neither_tried_again_nor_counted() -> None:
    box = Box()
    box.put(event())
    box.send(Response(429, {}))
    assert box.rests()
    assert box.due() is None
    assert box.lost() == {}


def test_what_may_have_arrived_is_tried_so_often() -> None:
    box = Box()
    box.put(event())
    for _ in range(MAX_TRIES):
        box.clock.advance(60)
        box.send(LOST)
    assert box.rests()
    assert box.lost() == {NETWORK_ERROR: 1}


def test_what_surely_did_not_arrive_is_tried_until_it_is_too_old() -> None:
    box = Box()
    box.put(event())
    for _ in range(3 * MAX_TRIES):
        box.send(REFUSED)
        box.clock.advance(60)
    assert box.lost() == {}
    box.clock.advance(MAX_AGE)
    assert box.rests()
    assert box.lost() == {NETWORK_ERROR: 1}


@pytest.mark.parametrize("outcome", [CANCELLED, UNSENT_CANCELLED])
def test_a_send_that_was_cancelled_is_no_failure(outcome: NoResponse) -> None:
    box = Box()
    box.put(event())
    for _ in range(3 * MAX_TRIES):
        box.send(outcome)
        assert box.due() == 0
    assert box.lost() == {}


def test_what_has_no_id_is_not_sent_twice() -> None:
    box = Box()
    update = session()
    box.put(update)
    box.send(REFUSED)
    assert box.send(LOST) == (update,)
    assert box.rests()
    assert box.lost() == {("network_error", "session"): 1}


def test_of_one_envelope_each_item_is_tried_again_or_not() -> None:
    box = Box()
    one, update = event(), session()
    box.put(one, update)
    assert box.send(LOST) == (one, update)
    assert box.send() == (one,)
    assert box.lost() == {("network_error", "session"): 1}


def test_what_is_tried_again_comes_before_what_is_newer_in_the_same_order() -> None:
    box = Box()
    first, second, third, fourth = (session(number) for number in range(4))
    box.put(first, second)
    lease = box.next()
    box.put(third, fourth)
    box.settle(lease, REFUSED)
    assert box.send() == (first, second, third, fourth)
