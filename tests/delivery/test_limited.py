"""What is limited stays here, and all else leaves."""

from __future__ import annotations

from asyncsentry.delivery.clerk import MAX_RIDERS
from asyncsentry.item import Attachment
from delivery.material import (
    REFUSED,
    Box,
    event,
    limits,
    session,
)


def test_what_became_limited_while_it_waited_is_dropped_and_counted() -> None:
    box = Box()
    box.put(event(1), event(2))
    box.send(limits("60:error:key"))
    assert box.rests()
    assert box.lost() == {("ratelimit_backoff", "error"): 1}
    assert box.outbox.refusal("error", box.clock()) == "ratelimit_backoff"
    assert box.outbox.refusal("session", box.clock()) is None
    box.clock.advance(60)
    assert box.outbox.refusal("error", box.clock()) is None


def test_t22_session_updates_leave_while_errors_are_limited() -> None:
    box = Box()
    box.put(event())
    box.send(limits("60:error:key"))
    update = session()
    box.put(event(attachments=(Attachment(b"abc", "a"),)), update)
    assert box.send() == (update,)
    assert box.lost() == {("ratelimit_backoff", "error"): 1, ("ratelimit_backoff", "attachment"): 3}


def test_t22_an_event_leaves_without_its_attachments_while_those_are_limited() -> None:
    box = Box()
    box.put(event(1))
    box.send(limits("60:attachment:key"))
    update = session()
    box.put(event(2, attachments=(Attachment(b"abc", "a"), Attachment(b"d", "b"))), update)
    sent, *riders = box.send()
    assert (sent.id, sent.attachments) == (event(2).id, ())
    assert riders == [update]
    assert box.lost() == {("ratelimit_backoff", "attachment"): 4}


def test_attachments_that_were_taken_off_stay_off_and_are_counted_once() -> None:
    box = Box()
    box.put(event(1))
    box.send(limits("60:attachment:key"))
    box.put(event(2, attachments=(Attachment(b"abc", "a"),)))
    box.send(REFUSED)
    box.clock.advance(61)
    assert box.send()[0].attachments == ()
    assert box.lost() == {("ratelimit_backoff", "attachment"): 3}


def test_session_updates_that_are_limited_do_not_ride_along() -> None:
    box = Box()
    one = event()
    box.put(session())
    box.send(limits("60:session:key"))
    box.put(one, session())
    assert box.send() == (one,)
    assert box.rests()
    assert box.lost() == {("ratelimit_backoff", "session"): 1}


def test_an_envelope_takes_only_so_many_session_updates() -> None:
    box = Box(bytes=10**6)
    box.put(event(), *(session(number) for number in range(MAX_RIDERS + 150)))
    assert len(box.send()) == 1 + MAX_RIDERS
    assert len(box.send()) == MAX_RIDERS
    assert len(box.send()) == 50
