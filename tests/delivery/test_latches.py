"""Who waits for an empty outbox, and losses that are reported before it counts as empty."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from asyncsentry.delivery.reports import REPORT_AFTER
from asyncsentry.transport.protocol import NoResponse, Response
from delivery.material import LOST, OK, REFUSED, Box, event, limits


def lose(box: Box, quantity: int = 1) -> None:
    box.losses.add("sample_rate", "error", quantity)


LOSS = {("sample_rate", "error"): 1}


def test_an_empty_outbox_is_idle_at_once() -> None:
    assert Box().idle().done()


def test_a_latch_opens_when_what_came_before_it_is_settled() -> None:
    box = Box()
    box.put(event(1), event(2))
    latch = box.idle()
    first, second = box.next(), box.next()
    box.settle(second)
    assert not latch.done()
    box.settle(first)
    assert latch.done()


def test_a_busy_program_cannot_starve_a_latch() -> None:
    box = Box()
    box.put(event(1))
    latch = box.idle()
    box.put(event(2))
    later = box.idle()
    box.send()
    assert latch.done()
    assert not later.done()
    box.send()
    assert later.done()


def test_what_is_lost_is_settled_too() -> None:
    box = Box(bytes=100)
    box.put(event(1))
    latch = box.idle()
    box.send(Response(400, {}))
    assert not latch.done()
    assert box.send() == ()  # the report of it
    assert latch.done()


def test_what_is_given_up_is_settled_too() -> None:
    box = Box(reports=False)
    box.put(event())
    latch = box.idle()
    box.outbox.give_up(box.clock())
    assert latch.done()


def test_a_latch_that_is_forgotten_never_opens() -> None:
    box = Box()
    box.put(event())
    latch = box.idle()
    box.outbox.forget(latch)
    box.outbox.forget(latch)
    box.send()
    assert not latch.done()


def test_nobody_can_cancel_a_latch_for_the_others() -> None:
    box = Box()
    box.put(event())
    latch = box.idle()
    assert not latch.cancel()
    box.send()
    assert latch.done()


def test_a_latch_opens_where_its_waiters_may_capture() -> None:
    box = Box()
    box.put(event(1))

    def waiter(_: Future[None]) -> None:
        box.put(event(2))
        assert box.send()

    box.idle().add_done_callback(waiter)
    box.send()
    assert box.rests()


# -- reports


def test_losses_ride_along_with_the_next_envelope() -> None:
    box = Box()
    lose(box)
    box.put(event())
    lease = box.next()
    assert len(lease.entries) == 1
    assert dict(lease.losses) == LOSS
    box.settle(lease)
    assert box.due() is None


def test_losses_alone_wait_some_time_for_company() -> None:
    box = Box()
    lose(box)
    assert box.due() == REPORT_AFTER
    box.clock.advance(REPORT_AFTER - 1)
    assert box.rests()
    assert box.due() == 1
    box.clock.advance(1)
    lease = box.next()
    assert (lease.entries, dict(lease.losses)) == ([], LOSS)
    box.settle(lease)
    assert box.due() is None


def test_a_latch_has_losses_reported_at_once() -> None:
    box = Box()
    lose(box)
    latch = box.idle()
    assert not latch.done()
    assert box.due() == 0
    lease = box.next()
    assert not latch.done()
    box.settle(lease)
    assert latch.done()


def test_a_latch_waits_for_a_report_that_is_on_its_way() -> None:
    box = Box()
    lose(box)
    box.put(event(1))
    lease = box.next()
    latch = box.idle()
    assert not latch.done()
    box.settle(lease)
    assert latch.done()


def test_a_program_that_keeps_losing_cannot_starve_a_latch() -> None:
    box = Box()
    lose(box)
    latch = box.idle()
    lease = box.next()
    lose(box)
    box.settle(lease)
    assert latch.done()


def test_each_latch_has_the_losses_reported_that_came_before_it() -> None:
    box = Box()
    lose(box)
    first = box.idle()
    lease = box.next()
    lose(box)
    second = box.idle()
    box.settle(lease)
    assert first.done()
    assert not second.done()
    box.send()
    assert second.done()


@pytest.mark.parametrize("outcome", [REFUSED, Response(500, {}), LOST, Response(403, {})])
def test_a_latch_waits_for_one_try_to_report(outcome: Response | NoResponse) -> None:
    box = Box()
    lose(box)
    latch = box.idle()
    box.send(outcome)
    assert latch.done()


@pytest.mark.parametrize(
    ("outcome", "again"),
    [
        (OK, False),
        (LOST, False),  # it may have been counted
        (Response(503, {}), False),
        (Response(403, {}), False),
        (limits("60:error:key", 429), False),  # all but the event was taken
        (REFUSED, True),
        (Response(500, {}), True),
        (Response(429, {}), True),
    ],
)
def test_losses_are_reported_again_if_their_report_surely_did_not_arrive(
    outcome: Response | NoResponse, again: bool
) -> None:
    box = Box()
    lose(box)
    box.idle()
    box.send(outcome)
    box.clock.advance(60)
    assert (box.due() is not None) == again
    box.put(event())
    assert (dict(box.next().losses) == LOSS) == again


def test_a_report_that_is_refused_together_with_an_event_is_made_again() -> None:
    box = Box()
    lose(box)
    box.put(event())
    box.send(Response(413, {}))
    box.put(event())
    assert dict(box.next().losses) == {**LOSS, ("send_error", "error"): 1}


def test_a_report_waits_for_the_end_of_a_limit_and_nobody_waits_for_it() -> None:
    box = Box()
    box.put(event())
    box.send(limits("60::organization"))
    lose(box)
    assert box.idle().done()
    assert box.due() == 60
    box.put(event())
    assert box.rests()
    box.clock.advance(60)
    assert box.send() == ()


def test_a_latch_does_not_wait_for_a_report_that_became_limited() -> None:
    box = Box(in_flight=1)
    box.put(event())
    lease = box.next()
    lose(box)
    latch = box.idle()
    box.settle(lease, limits("60:internal:key"))
    assert latch.done()


def test_losses_that_nobody_wants_to_know_are_counted_and_never_waited_for() -> None:
    box = Box(reports=False)
    lose(box)
    assert box.idle().done()
    assert box.due() is None
    box.put(event())
    lease = box.next()
    assert not lease.losses
    box.settle(lease)
    assert box.lost() == LOSS


def test_a_report_backs_off_like_anything_else() -> None:
    box = Box()
    lose(box)
    box.idle()
    box.send(REFUSED)
    box.put(event())
    box.send(REFUSED)
    assert box.due() == 1
    assert box.rests()
