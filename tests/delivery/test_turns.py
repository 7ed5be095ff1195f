"""Turns are armed when there is something to do, and only then."""

from __future__ import annotations

from contextvars import ContextVar
from threading import get_native_id

import pytest

from asyncsentry.delivery.exchange import SLICE, STINT, Exchange
from asyncsentry.delivery.reports import REPORT_AFTER
from asyncsentry.delivery.retry import MAX_AGE
from asyncsentry.delivery.turns import MOMENT, OVERDUE, READY_WITHIN, REST, Turns
from asyncsentry.item import Item, Payload, Squeezed
from asyncsentry.transport.protocol import Request, Response, Turn
from delivery.delivering import elsewhere
from delivery.material import ELSEWHERE, LOST, PATIENCE, REFUSED, Box, Known, event, session
from delivery.staging import Stage, pack
from delivery.styles import InHand, InPlace, Nowhere, Raises, SettlesTwice


def test_many_captures_arm_one_turn() -> None:
    transport = InHand()
    stage = Stage(transport)
    for number in range(10):
        stage.capture(number)
    assert transport.delays == [0.0]


def test_a_turn_sends_one_request_and_arms_the_next() -> None:
    transport = InHand()
    stage = Stage(transport)
    stage.capture(1)
    stage.capture(2)
    transport.turn()
    assert len(transport.sends) == 1
    assert transport.delays == [0.0]
    transport.turn()
    assert len(transport.sends) == 2
    assert transport.delays == [PATIENCE], "until the first is given up on"
    transport.settle()
    transport.settle()
    assert transport.delays == [PATIENCE]


def test_a_turn_may_come_while_it_is_asked_whether_one_will() -> None:
    """In another thread, that is, between the two looks of this one."""
    stage, transport = Stage(InHand()), InHand()
    ticking = stage.box.clock

    def now() -> float:
        if transport.turns:
            transport.turn()
        return ticking()

    turns = Turns(stage.box.outbox, stage.exchange, transport, stage.known, now)
    stage.box.put(event())
    turns.arm()
    stage.box.losses.add("before_send", "error")
    turns.remind()
    assert len(transport.sends) == 1


class Work:
    """A payload that takes so many pieces of work, and so many seconds for each."""

    def __init__(self, stage: Stage, pieces: int, seconds: float = STINT) -> None:
        self._stage = stage
        self.left = pieces
        self._seconds = seconds

    def step(self) -> bool:
        self._stage.box.clock.advance(self._seconds)
        self.left -= 1
        return self.left >= 0

    def __call__(self) -> dict[str, object]:
        return {"left": self.left}


def laborious(stage: Stage, pieces: int, number: int = 1, seconds: float = STINT) -> Work:
    """Work that waits, with what goes before it."""
    work = Work(stage, pieces, seconds)
    stage.box.put(event(number)._replace(payload=work))
    stage.turns.arm()
    return work


def test_the_work_on_an_item_is_spread_over_turns() -> None:
    transport = InHand()
    stage = Stage(transport)
    laborious(stage, 3)
    for done in range(1, 4):
        transport.turn()
        assert (transport.delays, len(transport.sends), stage.turns.progress) == ([SLICE], 0, done)
        stage.box.clock.advance(SLICE)
    transport.turn()
    assert (transport.delays, len(transport.sends)) == ([0.0], 0), "to find out that nothing is left took long, too"
    transport.turn()
    assert len(transport.sends) == 1


def test_a_turn_does_as_many_pieces_as_a_moment_has_room_for() -> None:
    transport = InHand()
    stage = Stage(transport)
    work = laborious(stage, 10, seconds=STINT / 3.5)
    transport.turn()
    assert work.left == 6


def test_what_comes_after_the_pieces_has_a_turn_of_its_own_if_they_took_a_moment() -> None:
    transport = InHand()
    stage = Stage(transport)
    laborious(stage, 1, seconds=SLICE * 0.6)
    transport.turn()
    assert (stage.passed, transport.delays, len(transport.sends)) == ([], [0.0], 0)


def test_turns_that_come_at_once_do_no_more_than_one_of_them() -> None:
    transport = InHand()
    stage = Stage(transport)
    work = laborious(stage, 10)
    for _ in range(5):
        stage.turns.rearm()
    for _ in range(5):
        transport.turn()
    assert (work.left, len(transport.sends)) == (9, 0)


def staged(payload: Payload, pains: float) -> tuple[Stage, InHand]:
    """An item waits, alone, and each of its stages takes so many seconds."""
    transport = InHand()
    stage = Stage(transport)
    stage.pains = pains
    stage.box.put(event()._replace(payload=payload))
    stage.turns.arm()
    return stage, transport


def test_what_takes_long_has_a_turn_for_each_stage() -> None:
    stage, transport = staged(dict, SLICE)
    for passed in (["complete"], ["complete", "finish"]):
        transport.turn()
        assert (stage.passed, transport.delays, len(transport.sends)) == (passed, [0.0], 0)
    transport.turn()
    assert (stage.passed, len(transport.sends)) == (["complete", "finish"], 1)


def test_what_goes_fast_has_one_turn_for_all() -> None:
    stage, transport = staged(dict, SLICE / 3)
    transport.turn()
    assert (stage.passed, len(transport.sends)) == (["complete", "finish"], 1)


def test_stages_that_take_long_together_are_too_much_for_one_turn() -> None:
    stage, transport = staged(dict, SLICE * 0.6)
    transport.turn()
    assert (stage.passed, transport.delays, len(transport.sends)) == (["complete", "finish"], [0.0], 0)


def test_a_stage_may_leave_more_pieces_to_do() -> None:
    """As an event that is found to be too large."""

    class Shrinks(Stage):
        def finish(self, item: Item) -> Item:
            return item._replace(payload=shrinking) if item.payload == {"too": "large"} else super().finish(item)

    transport = InHand()
    stage = Shrinks(transport)
    shrinking = Work(stage, 2)
    stage.box.put(event()._replace(payload={"too": "large"}))
    stage.turns.arm()
    for left in (2, 1, 0):
        transport.turn()
        assert (shrinking.left, len(transport.sends)) == (left, 0)
        stage.box.clock.advance(SLICE)
    transport.turn_and_send()
    assert stage.passed == ["complete", "finish"]


@pytest.mark.parametrize("payload", [b"{}", Squeezed(b"")])
def test_what_was_encoded_before_passes_no_stage(payload: Payload) -> None:
    stage, transport = staged(payload, SLICE)
    transport.turn()
    assert (stage.passed, len(transport.sends)) == ([], 1)


def test_who_had_nothing_to_do_sends_however_slow_the_machine_is() -> None:
    transport, box = InHand(), Box()

    def slowly() -> float:
        box.clock.advance(SLICE)
        return box.clock()

    exchange = Exchange(box.outbox, pack, slowly, stages=[lambda item: item])
    turns = Turns(box.outbox, exchange, transport, Known(), box.clock)
    box.put(event())
    turns.arm()
    transport.turn()
    assert len(transport.sends) == 1


def test_what_cannot_be_encoded_is_counted_once_by_who_would_send_it() -> None:
    stage, transport = staged({"not": "JSON"}, SLICE)
    transport.turn()
    assert not transport.sends
    assert stage.box.losses.total() == {("internal_sdk_error", "error"): 1}


def test_a_piece_of_work_that_fails_keeps_nothing_back() -> None:
    transport = InHand()
    stage = Stage(transport)

    class Fails(Work):
        def step(self) -> bool:
            raise ValueError("no text")

    stage.box.put(event()._replace(payload=Fails(stage, 1)))
    stage.turns.arm()
    transport.turn()
    assert len(transport.sends) == 1


def test_where_there_is_no_later_turn_all_is_done_in_this_one() -> None:
    transport = InPlace()
    stage = Stage(transport)
    work = laborious(stage, 3)
    assert (work.left, len(transport.sent)) == (2, 1)


def test_no_work_is_done_on_what_may_not_go_yet() -> None:
    transport = InHand()
    stage = Stage(transport, box=Box(in_flight=1))
    stage.capture(1)
    transport.turn()
    work = laborious(stage, 3, number=2)
    assert stage.exchange.prepare() is None
    assert work.left == 3


def test_no_work_is_done_on_what_is_given_up() -> None:
    transport = InHand()
    stage = Stage(transport)
    old = laborious(stage, 3)
    stage.box.clock.advance(MAX_AGE + 1)
    new = laborious(stage, 3, number=2)
    transport.turn()
    assert (old.left, new.left) == (3, 2)
    assert stage.box.losses.total() == {("network_error", "error"): 1}


def test_a_settlement_arms_the_next_turn() -> None:
    transport = InHand()
    stage = Stage(transport, box=Box(in_flight=1))
    stage.capture(1)
    transport.turn()
    stage.capture(2)
    assert transport.delays == [PATIENCE, REST]
    transport.settle()
    assert transport.delays == [PATIENCE, REST, 0.0]


def busy(*numbers: int, known: Known | None = None) -> tuple[Stage, InHand]:
    """One event is on its way, alone; others wait for it, and what comes next is a rest."""
    transport = InHand()
    stage = Stage(transport, known, box=Box(in_flight=1))
    stage.capture(0)
    transport.turn()
    for number in numbers:
        stage.capture(number)
    transport.turns.rotate(-1)
    return stage, transport


def squeezed(stage: Stage) -> list[bool]:
    return [isinstance(entry.item.payload, Squeezed) for entry in stage.box.outbox._clerk.queue]


def test_what_has_to_wait_is_squeezed_meanwhile_one_at_a_time() -> None:
    stage, transport = busy(1, 2)
    assert transport.delays == [REST, PATIENCE]
    assert squeezed(stage) == [False, False]
    transport.turn()
    assert squeezed(stage) == [True, False]
    assert transport.delays == [PATIENCE, MOMENT]
    transport.turns.rotate(-1)
    transport.turn()
    assert squeezed(stage) == [True, True]
    assert transport.delays == [PATIENCE], "there is nothing left to do"


def test_what_has_to_wait_is_worked_on_a_piece_at_a_time_before_it_is_squeezed() -> None:
    stage, transport = busy()
    work = laborious(stage, 2)
    for left in (1, 0, -1):
        assert squeezed(stage) == [False]
        transport.turns.rotate(-1)
        transport.turn()
        assert work.left == left
    assert squeezed(stage) == [True]


def test_as_many_are_squeezed_in_one_go_as_a_moment_has_room_for() -> None:
    stage, transport = busy(*range(1, 6))
    stage.effort = SLICE * 0.26
    transport.turn()
    assert squeezed(stage) == [True, True, True, True, False]


def test_what_cannot_be_squeezed_is_left_to_its_own_turn() -> None:
    stage, transport = busy(13, 1)
    transport.turn()
    assert squeezed(stage) == [False, True]
    assert transport.delays == [PATIENCE]


def test_what_was_exchanged_meanwhile_stays_as_it_is() -> None:
    stage, _ = busy(1)
    (waiting,) = stage.box.outbox._clerk.queue

    def squeeze_late(item: Item) -> Item:
        waiting.item = item._replace(payload=b"sent")
        return stage.squeeze(item)

    stage.box.outbox.squeeze_one(squeeze_late)
    assert waiting.item.payload == b"sent"


def test_what_was_leased_meanwhile_is_not_squeezed() -> None:
    stage, _transport = busy(1)
    assert stage.box.next(hurry=True) is not None
    stage.box.outbox.squeeze_one(stage.squeeze)
    assert squeezed(stage) == []


def test_nothing_is_squeezed_before_all_is_known_that_is_to_be_in_it() -> None:
    known = Known()
    stage, transport = busy(1, known=known)
    known.known = False
    transport.turn()
    assert squeezed(stage) == [False]


def test_a_rest_that_did_not_come_is_asked_for_again() -> None:
    stage, transport = busy(1)
    stage.box.clock.advance(OVERDUE + 0.01)
    stage.capture(2)
    assert list(transport.delays).count(REST) == 2


def test_a_turn_that_did_not_run_in_a_second_is_armed_again() -> None:
    transport = InHand()
    stage = Stage(transport)
    stage.capture()
    stage.box.clock.advance(OVERDUE)
    stage.capture()
    assert len(transport.turns) == 1
    stage.box.clock.advance(0.01)
    stage.capture()
    assert len(transport.turns) == 2


def test_an_alarm_that_did_not_ring_is_set_again() -> None:
    transport = InHand()
    stage = Stage(transport)
    stage.box.losses.add("sample_rate", "error")
    stage.turns.arm()
    stage.turns.arm()
    assert transport.delays == [REPORT_AFTER]
    stage.box.clock.advance(REPORT_AFTER - MOMENT)
    stage.turns.arm()
    assert len(transport.turns) == 1
    stage.box.clock.advance(OVERDUE + 2 * MOMENT)
    stage.turns.arm()
    assert len(transport.turns) == 2


def test_a_loss_asks_for_a_turn_unless_one_comes_anyway() -> None:
    transport = InHand()
    stage = Stage(transport)
    stage.box.losses.add("sample_rate", "error")
    stage.turns.remind()
    stage.turns.remind()
    assert transport.delays == [REPORT_AFTER]


def test_a_turn_that_is_about_to_run_sees_to_what_is_lost_before_it() -> None:
    transport = InHand()
    stage = Stage(transport)
    stage.capture()
    stage.box.losses.add("sample_rate", "error")
    stage.turns.remind()
    assert transport.delays == [0.0]
    stage.box.clock.advance(OVERDUE + MOMENT)  # or not, as it seems
    stage.turns.remind()
    assert transport.delays == [0.0, 0.0]


def test_an_earlier_alarm_comes_first_and_a_later_one_does_no_harm() -> None:
    transport = InHand()
    stage = Stage(transport)
    stage.box.losses.add("sample_rate", "error")
    stage.turns.arm()
    stage.capture()
    transport.turns.rotate(-1)
    transport.turn()
    transport.settle(LOST)
    assert transport.delays == [REPORT_AFTER, PATIENCE, 0.0]
    transport.turns.rotate(-2)
    transport.turn()
    transport.settle(LOST)
    assert transport.delays == [REPORT_AFTER, PATIENCE, REST, 1.0]
    stage.box.clock.advance(1.0)
    transport.turns.rotate(-3)
    transport.turn()
    transport.settle()
    while transport.turns:
        transport.turn()
    assert stage.box.due() is None


def test_a_transport_with_nowhere_to_run_a_turn_is_asked_again() -> None:
    stage = Stage(Nowhere())
    stage.capture()
    assert not stage.turns.arm()
    stage.box.send(LOST)
    stage.box.send(LOST)
    assert stage.box.due() == 1.0
    assert not stage.turns.arm()
    assert not stage.turns.arm()


def test_nothing_to_do_is_nothing_to_arm() -> None:
    assert Stage(Nowhere()).turns.arm()


def test_what_was_armed_can_be_armed_again_where_the_loop_may_have_died() -> None:
    transport = InHand()
    stage = Stage(transport)
    stage.capture()
    stage.turns.rearm()
    stage.turns.nudge()
    assert transport.delays == [0.0, 0.0, MOMENT]


def test_a_turn_that_finds_nothing_does_not_come_back_at_once() -> None:
    """Whoever may not enter the outbox would else turn in place for ever."""
    transport = InPlace()
    stage = Stage(transport)
    stage.box.put(event())
    stage.box.outbox._turnstile.ask(stage.turns.arm, None)  # as a signal handler that captures in the middle of one
    assert transport.sent == []
    stage.turns.arm()
    assert len(transport.sent) == 1


def test_in_place_everything_is_sent_before_the_capture_returns() -> None:
    transport = InPlace()
    stage = Stage(transport)
    for number in range(3):
        stage.capture(number)
        assert len(transport.sent) == number + 1
    assert stage.box.due() is None


def test_a_turn_runs_in_an_empty_context() -> None:
    variable: ContextVar[str] = ContextVar("variable")
    seen = []

    def answer(_: Request) -> Response:
        seen.append(variable.get("nothing"))
        return Response(200, {})

    variable.set("a request's")
    Stage(InPlace(answer)).capture()
    assert seen == ["nothing"]


def test_who_settles_twice_is_believed_once() -> None:
    stage = Stage(SettlesTwice())
    stage.capture()
    assert stage.box.due() is None
    assert stage.box.lost() == {}


def test_a_transport_that_takes_no_turns_but_raises_costs_the_capture_nothing() -> None:
    stage = Stage(Raises(turns=False))
    stage.capture()
    assert not stage.turns.arm()


def test_a_send_that_raises_may_have_arrived() -> None:
    transport = Raises(turns=True)
    stage = Stage(transport)
    stage.box.put(session())
    stage.capture()
    assert len(transport.sent) == 2, "the first failure costs no pause"
    assert stage.box.lost() == {("network_error", "session"): 1}
    assert stage.box.due() == 1.0


def test_what_cannot_be_encoded_does_not_stop_the_rest() -> None:
    transport = InPlace()
    stage = Stage(transport)
    stage.box.put(type(event())("event", "error", b"unencodable", 1, "a" * 32))
    stage.capture()
    assert len(transport.sent) == 1
    assert stage.box.lost() == {("internal_sdk_error", "error"): 1}


def test_what_has_ended_does_nothing_any_more() -> None:
    transport = InHand()
    stage = Stage(transport)
    stage.capture()
    stage.turns.end()
    transport.turn()
    assert not transport.sends
    assert not stage.turns.arm()
    assert not transport.turns


# -- before all is known


def test_a_turn_that_comes_too_early_comes_again() -> None:
    transport, known = InHand(), Known(known=False)
    stage = Stage(transport, known)
    stage.capture()
    for _ in range(3):
        transport.turn()
        assert transport.delays == [MOMENT]
        stage.capture()
        assert transport.delays == [MOMENT], "captures do not overtake it"
        assert not transport.sends
    assert known.asked
    known.known = True
    transport.turn()
    assert len(transport.sends) == 1
    assert known.waited == []


def test_no_turn_is_put_off_for_ever() -> None:
    transport, known = InHand(), Known(known=False)
    stage = Stage(transport, known)
    stage.capture(1)
    transport.turn()
    stage.box.clock.advance(READY_WITHIN)
    transport.turn()
    transport.turn()
    stage.capture(2)
    assert len(transport.sends) == 1
    transport.turn()
    assert len(transport.sends) == 2


def test_what_is_to_be_known_anew_is_waited_for_anew() -> None:
    transport, known = InHand(), Known(known=False)
    stage = Stage(transport, known)
    stage.capture(1)
    transport.turn()
    known.known = True
    transport.turn()
    stage.box.clock.advance(READY_WITHIN)
    known.known = False
    stage.capture(2)
    transport.turn()
    assert len(transport.sends) == 1
    known.known = True
    transport.turn()
    assert len(transport.sends) == 2


def test_where_there_are_no_timers_the_sender_waits_a_bounded_time() -> None:
    transport, known = InPlace(), Known(known=False)
    stage = Stage(transport, known)
    stage.capture()
    assert len(transport.sent) == 1
    assert known.waited == [READY_WITHIN]


def test_a_request_is_that_of_the_thread_whose_turn_sends_it_whoever_has_a_turn_meanwhile() -> None:
    class AtOnce(InHand):
        def later(self, delay: float, turn: Turn, /) -> bool:
            if delay <= 0:
                turn()
            return delay <= 0

    class Waiting(Known):
        def wait(self, timeout: float) -> None:
            self.known = True
            elsewhere(stage.turns.rearm)
            transport.settle()
            stage.box.put(event(2))

    transport = AtOnce()
    stage = Stage(transport, Waiting(known=False))
    stage.capture(1)
    assert len(transport.sends) == 1
    assert stage.box.outbox.in_flight(besides=ELSEWHERE)
    assert not stage.box.outbox.in_flight(besides=get_native_id())


# -- what went wrong


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (REFUSED, "no answer: ConnectionRefusedError()"),
        (Response(400, {"x-sentry-error": "bad envelope"}, b"detail"), "status 400: bad envelope"),
        (Response(500, {}, b"\xffoops"), "status 500: \ufffdoops"),
        (Response(400, {}, b"a\r\n\x1b[2Jb\x00\xff \n"), "status 400: a   [2Jb \ufffd"),
        (Response(200, {}, b"{}"), None),
    ],
)
def test_what_went_wrong_last_is_told_once(outcome: Response, said: str | None) -> None:
    stage = Stage(InPlace(lambda _: outcome))
    stage.capture()
    assert stage.exchange.take_failure() == said
    assert stage.exchange.take_failure() is None


@pytest.mark.parametrize(("status", "refused"), [(200, 0), (503, 0), (400, 1), (429, 1), (500, 1), (301, 1)])
def test_what_was_refused_for_good_is_counted(status: int, refused: int) -> None:
    stage = Stage(InPlace(lambda _: Response(status, {})))
    stage.capture()
    assert stage.exchange.refused == refused


def test_t20_an_envelope_that_was_too_large_is_an_error_of_the_program(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "asyncsentry")
    for status in (413, 400):
        Stage(InPlace(lambda _, status=status: Response(status, {}, b"why"))).capture()  # type: ignore[misc]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "the server refused an envelope with status 413: why"),
        ("DEBUG", "the server refused an envelope with status 400: why"),
    ]
