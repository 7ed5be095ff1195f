"""What became of all that was captured: each thing is in one account, at any time."""

from __future__ import annotations

from asyncsentry.delivery.ledger import Account
from asyncsentry.delivery.retry import MAX_AGE, MAX_TRIES
from asyncsentry.item import Attachment, Category
from asyncsentry.transport.protocol import Response
from delivery.material import CANCELLED, LOST, OK, REFUSED, Box, event, limits, other, session

ATTACHED = (Attachment(b"abc", "a"), Attachment(b"de", "b"))


def account(box: Box, category: Category = "error") -> Account:
    return box.outbox.accounts()[category]


def test_an_outbox_in_which_nothing_was_put_has_no_accounts() -> None:
    assert Box().outbox.accounts() == {}


def test_what_waits_is_queued_then_in_flight_then_delivered() -> None:
    box = Box()
    box.put(event(1), event(2), session())
    assert account(box) == Account(captured=2, queued=2)
    lease = box.next()
    assert account(box) == Account(captured=2, queued=1, in_flight=1)
    assert account(box, "session") == Account(captured=1, in_flight=1)
    box.settle(lease)
    assert account(box) == Account(captured=2, queued=1, delivered=1)
    assert account(box, "session") == Account(captured=1, delivered=1)


def test_attachments_are_counted_in_bytes() -> None:
    box = Box()
    box.put(event(attachments=ATTACHED), event(attachments=(Attachment(b"", "empty"),)))
    assert account(box, "attachment") == Account(captured=5, queued=5)
    box.send(Response(413, {}))
    assert account(box, "attachment") == Account(captured=5, lost={"send_error": 5})
    assert box.lost() == {("send_error", "error"): 1, ("send_error", "attachment"): 5}


def test_attachments_that_are_taken_off_are_lost_by_themselves() -> None:
    box = Box()
    box.put(event(1), event(2, attachments=ATTACHED))
    box.send(limits("60:attachment:key"))
    box.send()
    assert account(box) == Account(captured=2, delivered=2)
    assert account(box, "attachment") == Account(captured=5, lost={"ratelimit_backoff": 5})


def test_what_the_server_refused_for_its_limits_is_not_lost_by_us() -> None:
    box = Box()
    box.put(event(1))
    box.send(Response(429, {}))
    assert account(box) == Account(captured=1, limited=1)
    assert box.lost() == {}


def test_what_was_lost_before_it_was_an_item_was_captured_too() -> None:
    box = Box()
    box.losses.add("sample_rate", "error", 2)
    box.losses.add("before_send", "error")
    assert account(box) == Account(captured=3, lost={"sample_rate": 2, "before_send": 1})


def test_what_found_no_room_is_lost() -> None:
    box = Box(bytes=150)
    box.put(other("log_item"), event(1), event(2))
    assert account(box) == Account(captured=2, queued=1, lost={"queue_overflow": 1})
    assert account(box, "log_item") == Account(captured=1, lost={"queue_overflow": 1})


def test_what_was_never_sent_is_lost_and_what_may_have_arrived_is_unknown() -> None:
    for outcome, expected in (
        (REFUSED, Account(captured=1, lost={"network_error": 1})),
        (LOST, Account(captured=1, unknown=1)),
        (CANCELLED, Account(captured=1, unknown=1)),
    ):
        box = Box()
        box.put(event(attachments=ATTACHED))
        box.send(outcome)
        box.outbox.give_up(box.clock())
        assert account(box) == expected
        assert box.lost() == {("network_error", "error"): 1, ("network_error", "attachment"): 5}


def test_what_is_in_flight_at_the_end_is_unknown() -> None:
    box = Box()
    box.put(event(1), event(2))
    box.next()
    box.outbox.give_up(box.clock())
    assert account(box) == Account(captured=2, unknown=1, lost={"network_error": 1})


def test_what_carries_no_id_is_unknown_after_one_send() -> None:
    box = Box()
    box.put(session())
    box.send(LOST)
    assert account(box, "session") == Account(captured=1, unknown=1)


def test_what_was_tried_too_often_or_became_too_old_is_unknown() -> None:
    box = Box()
    box.put(event(1), event(2))
    for _ in range(MAX_TRIES):
        box.settle(box.next(hurry=True), LOST)
    assert account(box) == Account(captured=2, queued=1, unknown=1)
    box.clock.advance(MAX_AGE + 1)
    assert box.rests()
    assert account(box) == Account(captured=2, unknown=1, lost={"network_error": 1})


def test_what_may_have_arrived_and_is_refused_when_it_is_sent_again_is_unknown() -> None:
    box = Box()
    box.put(event(1), event(2))
    box.send(LOST)
    box.send(Response(413, {}))
    box.settle(box.next(), limits("60:error:key"))
    assert account(box) == Account(captured=2, delivered=1, unknown=1)
    assert box.lost() == {("send_error", "error"): 1}


def test_what_may_have_arrived_and_is_limited_when_it_is_sent_again_is_unknown_and_no_loss() -> None:
    box = Box()
    box.put(event(1))
    box.send(LOST)
    box.send(Response(429, {}))
    assert account(box) == Account(captured=1, unknown=1)
    assert box.lost() == {}


def test_what_may_have_arrived_and_falls_under_a_limit_is_unknown() -> None:
    box = Box()
    box.put(event(1), event(2))
    first, second = box.next(), box.next()
    box.settle(first, LOST)
    box.settle(second, limits("60:error:key", 429))
    assert box.rests()
    assert account(box) == Account(captured=2, limited=1, unknown=1)
    assert box.lost() == {("ratelimit_backoff", "error"): 1}


def test_an_answer_that_comes_late_delivers() -> None:
    box = Box()
    box.put(event(1))
    lease = box.next()
    box.outbox.reclaim()
    assert account(box) == Account(captured=1, queued=1)
    box.settle(lease, OK)
    assert account(box) == Account(captured=1, delivered=1)


def test_what_has_arrived_after_all_is_not_limited_as_well() -> None:
    box = Box()
    box.put(event(1))
    first = box.next()
    box.outbox.reclaim()
    second = box.next()
    box.settle(first, OK)
    box.settle(second, limits("60:error:key", 429))
    assert account(box) == Account(captured=1, delivered=1)


def test_inside_of_the_outbox_itself_the_answer_is_that_of_the_last_time() -> None:
    box = Box()
    box.put(event(1))
    before = box.outbox.accounts()
    box.put(event(2))
    assert box.outbox._turnstile.ask(box.outbox.accounts, None) == before  # as a signal handler that interrupts it
    assert account(box) == Account(captured=2, queued=2)
