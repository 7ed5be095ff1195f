"""A body is compressed in one turn, or by a thread, and sent in the next: once, by whoever it is left to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from threading import get_native_id

import pytest

from asyncsentry.delivery.compression import Compression
from asyncsentry.delivery.envelope import Parcel
from asyncsentry.delivery.exchange import SLICE, Exchange
from asyncsentry.delivery.last_resort import LastResort
from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.turns import MOMENT, READY_WITHIN, Turns
from asyncsentry.item import Item
from asyncsentry.transport.protocol import Request, Response, Transport, Turn
from delivery.delivering import elsewhere
from delivery.material import OK, Known, event, session
from delivery.staging import Stage
from delivery.styles import InHand, InPlace, Nowhere

QUICK, SLOW = SLICE / 2, SLICE * 1.5


class NoRoom:
    """A piece of a body that is too much for this machine."""

    def __len__(self) -> int:
        return 1


class Press:
    """Compresses bodies, each of which takes so long, and does this as well."""

    def __init__(self, seconds: float, meanwhile: Callable[[], object] = bool) -> None:
        self.stage: Stage
        self._seconds = seconds
        self._meanwhile = meanwhile

    def __call__(self, _: bytes) -> bytes:
        self._meanwhile()
        self.stage.box.clock.advance(self._seconds)
        return b"compressed"


def compressing(transport: Transport[bool], press: Press, body: object = b"small") -> Stage:
    """Turns of which each body is compressed."""
    stage = press.stage = Stage(transport)

    def pack(_: Lease) -> Parcel:
        return Parcel("http://sentry.test/", {}, [body], Compression("none", press))  # type: ignore[list-item]  # it may be `NoRoom`

    exchange = Exchange(stage.box.outbox, pack, stage.box.clock)
    stage.turns = Turns(stage.box.outbox, exchange, transport, stage.known, stage.box.clock)
    return stage


def sent(transport: InHand) -> list[bytes]:
    return [request.body for request, _ in transport.sends]


def turn_while_due(transport: InHand) -> None:
    """Run the turns that are to come at once, and those that they ask for."""
    for _ in range(100):
        later = deque((delay, turn) for delay, turn in transport.turns if delay > 0)
        due = [turn for delay, turn in transport.turns if delay <= 0]
        transport.turns = later
        for turn in due:
            turn()
    assert not any(delay <= 0 for delay, _ in transport.turns)


def test_a_body_that_is_soon_compressed_is_sent_at_once() -> None:
    transport = InHand()
    compressing(transport, Press(QUICK)).capture()
    transport.turn()
    assert sent(transport) == [b"compressed"]


def test_one_that_took_a_moment_is_sent_by_the_next_turn() -> None:
    transport = InHand()
    stage = compressing(transport, Press(SLOW))
    stage.capture()
    transport.turn()
    assert (transport.delays, len(transport.sends), stage.turns.progress) == ([0.0], 0, 1)
    transport.turn()
    assert sent(transport) == [b"compressed"]
    transport.settle()
    assert stage.box.outbox.accounts()["error"].delivered == 1


def test_where_there_is_no_next_turn_it_is_sent_by_this_one() -> None:
    class Ends(InHand):
        ended = False

        def later(self, delay: float, turn: Turn, /) -> bool:
            return not self.ended and super().later(delay, turn)

    transport = Ends()
    compressing(transport, Press(SLOW)).capture()
    transport.ended = True
    transport.turn()
    assert sent(transport) == [b"compressed"]


def test_bodies_that_are_compressed_at_the_same_time_are_all_sent() -> None:
    transport = InHand()
    others = deque([transport.turn])  # of another thread
    stage = compressing(transport, Press(SLOW, lambda: others and others.popleft()()))
    stage.box.put(event(1), event(2))
    stage.turns.rearm()
    stage.turns.rearm()
    transport.turn()
    assert not others
    turn_while_due(transport)
    assert sent(transport) == [b"compressed"] * 2


def test_a_body_is_left_to_no_turn_of_another_loop() -> None:
    transport = InHand()
    stage = compressing(transport, Press(SLOW, lambda: stage.capture(2)))
    stage.capture(1)
    transport.turn()
    assert transport.delays == [0.0, 0.0]
    transport.turns.popleft()  # is held up there
    transport.turn()
    assert sent(transport) == [b"compressed"]


def test_what_was_left_to_a_turn_of_another_loop_does_not_wait_for_it_for_ever() -> None:
    transport = InHand()
    others = deque([2])

    def capture_another() -> None:
        if others:
            stage.capture(others.pop())

    stage = compressing(transport, Press(SLOW, capture_another))
    stage.capture(1)
    transport.turn()
    transport.turns.pop()  # the latest: its loop was closed
    elsewhere(transport.turn)
    assert transport.delays == [0.0]
    turn_while_due(transport)
    assert sent(transport) == [b"compressed"] * 2


def test_a_body_whose_turn_never_came_is_sent_by_the_next_that_is_asked_for() -> None:
    transport = InHand()
    stage = compressing(transport, Press(SLOW))
    stage.capture()
    transport.turn()
    transport.turns.clear()  # its loop was closed
    stage.turns.rearm()
    transport.turn()
    assert sent(transport) == [b"compressed"]


def test_turns_that_were_armed_at_once_do_not_go_on_side_by_side() -> None:
    transport = InHand()
    stage = compressing(transport, Press(SLOW))
    stage.box.put(*map(event, range(4)))
    for _ in range(3):
        stage.turns.rearm()
    for _ in range(6):
        transport.turn()
    assert transport.delays.count(0.0) == 1
    turn_while_due(transport)
    assert sent(transport) == [b"compressed"] * 4


def test_one_that_was_taken_back_in_between_is_not_sent_twice() -> None:
    transport = InHand()
    stage = compressing(transport, Press(SLOW))
    stage.capture()
    transport.turn()
    stage.box.outbox.reclaim()
    assert len(stage.box.send()) == 1
    transport.turn()
    assert not transport.sends


def test_none_is_forgotten_in_a_turn_that_comes_in_the_midst_of_the_outbox() -> None:
    transport = InHand()
    stage = compressing(transport, Press(SLOW))
    stage.capture()
    transport.turn()
    stage.box.outbox._turnstile.ask(transport.turn, None)
    assert (transport.delays, len(transport.sends)) == ([MOMENT], 0)
    transport.turn()
    assert sent(transport) == [b"compressed"]


def test_what_was_taken_back_in_between_has_surely_not_been_sent() -> None:
    transport = InHand()
    stage = compressing(transport, Press(SLOW))
    stage.box.put(session(2))
    stage.box.losses.add("sample_rate", "error")
    stage.capture(1)
    transport.turn()
    stage.box.outbox.reclaim()
    lease = stage.box.next()
    assert ([entry.item for entry in lease.entries], [entry.tries for entry in lease.entries]) == (
        [event(1), session(2)],
        [0, 0],
    )
    assert lease.losses == {("sample_rate", "error"): 1}


def test_what_was_given_up_in_between_is_lost_and_not_unknown() -> None:
    transport = InHand()
    stage = compressing(transport, Press(SLOW))
    stage.capture()
    transport.turn()
    stage.box.outbox.give_up(stage.box.clock())
    account = stage.box.outbox.accounts()["error"]
    assert (account.lost, account.unknown) == ({"network_error": 1}, 0)


def test_one_that_is_compressed_waits_for_nothing_else() -> None:
    transport = InHand()
    stage = compressing(transport, Press(SLOW))
    stage.capture()
    transport.turn()
    stage.known.known = False
    transport.turn()
    assert sent(transport) == [b"compressed"]


def test_what_cannot_be_compressed_is_sent_as_it_is() -> None:
    def fail() -> None:
        raise MemoryError

    transport = InHand()
    compressing(transport, Press(SLOW, fail)).capture()
    transport.turn()
    assert sent(transport) == [b"small"]


def test_a_body_that_cannot_be_put_together_is_counted() -> None:
    transport = InHand()
    stage = compressing(transport, Press(SLOW), NoRoom())
    stage.capture()
    transport.turn()
    assert not transport.sends
    assert stage.box.lost() == {("internal_sdk_error", "error"): 1}


def test_also_by_the_last_resort_which_goes_on() -> None:
    class Channel:
        def post(self, request: Request, timeout: float) -> Response:
            raise AssertionError("nothing is left to post")

        def close(self) -> None:
            pass

    stage = Stage(Nowhere())
    stage.box.put(event(1), event(2))

    def pack(_: Lease) -> Parcel:
        return Parcel("http://sentry.test/", {}, [NoRoom()], Compression("none", bytes))  # type: ignore[list-item]  # as it says

    exchange = Exchange(stage.box.outbox, pack, stage.box.clock)
    last = LastResort(stage.box.outbox, exchange, Channel, 1.0, stage.box.clock)
    last.drain(stage.box.idle(), stage.box.clock() + 1.0, hurry=True, patient=False)
    assert stage.box.lost() == {("internal_sdk_error", "error"): 2}


@pytest.mark.parametrize(
    ("made", "body"),
    [
        (Request("http://sentry.test/", {}, b"small"), b"small"),
        (Parcel("http://sentry.test/", {}, [b"small"], Compression("none", lambda _: b"compressed")), b"compressed"),
    ],
)
def test_the_last_resort_posts_what_is_compressed_and_what_is_not(made: Request | Parcel, body: bytes) -> None:
    posted: list[bytes] = []

    class Channel:
        def post(self, request: Request, timeout: float) -> Response:
            posted.append(request.body)
            return OK

        def close(self) -> None:
            pass

    stage = Stage(Nowhere())
    stage.box.put(event())
    exchange = Exchange(stage.box.outbox, lambda _: made, stage.box.clock)
    idle = stage.box.idle()
    last = LastResort(stage.box.outbox, exchange, Channel, 1.0, stage.box.clock)
    last.drain(idle, stage.box.clock() + 1.0, hurry=True, patient=False)
    assert (posted, idle.done()) == ([body], True)


# -- and by another thread


def large(number: int = 1) -> Item:
    return event(number)._replace(payload=b"large")


class Compressing(Known):
    """A thread that compresses when it is told to, or waited for."""

    def expect(self, steps: Iterable[Callable[[], None]]) -> None:
        super().expect(steps)
        self.known = False

    def wait(self, timeout: float) -> None:
        super().wait(timeout)
        self.work()

    def work(self) -> None:
        while self.steps:
            self.steps.pop()()
        self.known = True


def test_a_large_body_is_sent_by_a_later_turn_when_it_is_compressed() -> None:
    transport, known = InHand(), Compressing()
    stage = Stage(transport, known)
    stage.box.put(large())
    stage.capture(2)
    for _ in range(3):
        transport.turn()
        assert transport.delays == [MOMENT]
        assert not transport.sends
    known.work()
    transport.turn()
    transport.turn()
    assert [request.body for request, _ in transport.sends] == [b"compressed", f"['{2:032x}']".encode()]
    transport.settle()
    transport.settle()
    assert stage.box.lost() == {}
    assert stage.box.outbox.accounts()["error"].delivered == 2


def test_where_there_are_no_timers_who_sends_waits_until_it_is_compressed() -> None:
    transport, known = InPlace(), Compressing()
    stage = Stage(transport, known)
    stage.box.put(large())
    stage.turns.arm()
    assert [request.body for request in transport.sent] == [b"compressed"]
    assert known.waited == [READY_WITHIN]


def test_what_takes_too_long_to_compress_is_sent_as_it_is() -> None:
    transport, known = InHand(), Compressing()
    stage = Stage(transport, known)
    stage.box.put(large())
    stage.turns.arm()
    transport.turn()
    stage.box.clock.advance(READY_WITHIN)
    transport.turn()
    (request, _) = transport.sends[0]
    assert request.body.startswith(f"['{1:032x}']".encode())
    known.work()


def test_what_was_taken_back_while_it_was_compressed_is_not_sent_twice() -> None:
    transport, known = InHand(), Compressing()
    stage = Stage(transport, known)
    stage.box.put(large())
    stage.turns.arm()
    transport.turn()
    stage.box.outbox.reclaim()
    (sent,) = stage.box.send()
    assert sent.id == f"{1:032x}"
    known.work()
    transport.turn()
    assert not transport.sends


def test_a_compressed_body_is_the_request_of_the_thread_whose_turn_sends_it() -> None:
    transport, known = InHand(), Compressing()
    stage = Stage(transport, known)
    stage.box.put(large())
    stage.turns.arm()
    elsewhere(transport.turn)
    known.work()
    assert stage.box.outbox.in_flight(besides=get_native_id())
    transport.turn()
    assert len(transport.sends) == 1
    assert not stage.box.outbox.in_flight(besides=get_native_id())
