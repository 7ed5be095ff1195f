"""The end of delivery, and delivery by several at once, against a real server."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from asyncsentry.delivery.last_resort import Channel
from asyncsentry.post import Channel as Connection
from asyncsentry.testing import Answer, Hang, LocalSentry
from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Response
from delivery.delivering import LONG, Delivery, elsewhere, put
from delivery.material import OK, event, session
from delivery.styles import InHand, InPlace, Nowhere, OnThread

# -- waiting in another colour


@pytest.mark.parametrize(("transport", "going"), [(Nowhere(), False), (InHand(), True)])
def test_a_latch_tells_whether_it_is_worked_on(delivery: Delivery, transport: Nowhere, going: bool) -> None:
    dispatcher = delivery.begin(transport, reports=False)
    idle, worked_on = dispatcher.hasten()
    assert idle.done()
    assert worked_on
    put(dispatcher, 1)
    idle, worked_on = dispatcher.hasten()
    assert not idle.done()
    assert worked_on == going
    dispatcher.forget(idle)
    dispatcher.give_up()
    assert not idle.done()
    assert dispatcher.hasten()[0].done()


def test_a_latch_asks_for_a_turn_though_one_is_armed_on_a_loop_that_may_have_died(delivery: Delivery) -> None:
    transport = InHand()
    dispatcher = delivery.begin(transport)
    put(dispatcher, 1)
    dispatcher.hasten()
    assert transport.delays == [0.0, 0.0]


# -- ending


def test_t24_the_end_of_a_program_whose_server_hangs_comes_in_time(delivery: Delivery, threaded: OnThread) -> None:
    delivery.sentry.always(Hang())
    dispatcher = delivery.begin(threaded)
    put(dispatcher, 1, 2, 3)
    began = time.monotonic()
    assert dispatcher.exit(1.0) == 3
    assert time.monotonic() - began < LONG
    assert delivery.lost() == {("network_error", "error"): 3}


def test_what_a_dead_loop_had_in_flight_is_delivered_at_the_end(delivery: Delivery) -> None:
    transport = InHand()
    dispatcher = delivery.begin(transport)
    put(dispatcher, 1, 2)
    elsewhere(transport.turn_and_send)
    assert dispatcher.exit(1.0) == 0
    assert delivery.arrived == ["01", "02"]


@pytest.mark.parametrize(("heard", "longest"), [(False, 30.0 - 22.0), (True, 30.0)])
def test_for_how_long_a_loop_has_just_waited_in_vain_its_program_does_not_wait_again(
    delivery: Delivery, heard: bool, longest: float
) -> None:
    class Recording(Connection):
        def post(self, request: Request, timeout: float) -> Response | NoResponse:
            timeouts.append(timeout)
            return super().post(request, timeout)

    timeouts: list[float] = []
    passed = 0.0
    dispatcher = delivery.begin(
        transport := InHand(),
        timeout=60.0,
        open_channel=lambda: Recording(delivery.settings),
        now=lambda: time.monotonic() + passed,
    )
    put(dispatcher, 1, 2)
    transport.turn_and_send()
    transport.turn_and_send()
    passed = 22.0
    transport.settle(NoResponse(Cancelled("the loop has ended", waited=22.0), sent=True))
    if heard:
        transport.settle(OK)
    transport.turns.clear()
    elsewhere(lambda: dispatcher.exit(30.0))
    assert timeouts
    assert longest - LONG / 2 < timeouts[0] <= longest


def test_what_is_captured_after_the_end_is_delivered_by_who_captured_it(delivery: Delivery) -> None:
    dispatcher = delivery.begin(Nowhere())
    assert dispatcher.exit(LONG) == 0
    put(dispatcher, 1)
    assert delivery.arrived == ["01"]
    put(dispatcher, 2)
    assert delivery.arrived == ["01", "02"]
    assert delivery.lost() == {}


def test_what_is_captured_in_the_midst_of_the_end_is_delivered_with_it(delivery: Delivery) -> None:
    """As what watches connections may do; and what is under way is not given up for it."""

    def open_channel() -> Channel:
        if len(delivery.opened) < 2:
            put(dispatcher, 2 + len(delivery.opened))
        delivery.opened.append(0)
        return Connection(delivery.settings)

    dispatcher = delivery.begin(Nowhere(), open_channel=open_channel)
    put(dispatcher, 1)
    assert dispatcher.exit(LONG) == 0
    assert delivery.arrived == ["01", "02", "03"]
    assert delivery.lost() == {}


def test_whoever_captures_in_another_thread_meanwhile_leaves_it_to_the_end(delivery: Delivery) -> None:
    def open_channel() -> Channel:
        if not delivery.opened:
            elsewhere(lambda: put(dispatcher, 2))
        delivery.opened.append(threading.get_native_id())
        return Connection(delivery.settings)

    dispatcher = delivery.begin(Nowhere(), open_channel=open_channel)
    put(dispatcher, 1)
    assert dispatcher.exit(LONG) == 0
    assert delivery.arrived == ["01", "02"]
    assert set(delivery.opened) == {threading.get_native_id()}


def test_what_captures_without_end_at_the_end_is_counted_when_the_time_is_over(delivery: Delivery) -> None:
    """Each connection has one more captured."""

    def open_channel() -> Channel:
        put(dispatcher, 2)
        return Connection(delivery.settings)

    dispatcher = delivery.begin(Nowhere(), open_channel=open_channel)
    put(dispatcher, 1)
    began = time.monotonic()
    left = dispatcher.exit(0.3)
    assert time.monotonic() - began < LONG
    account = dispatcher.accounts()["error"]
    assert account.queued == account.in_flight == 0
    assert sum(account.lost.values()) + account.unknown == left  # one may be under way when the time is over
    assert account.captured == account.delivered + left


def test_all_that_is_captured_after_the_end_shares_the_time_of_the_end(delivery: Delivery) -> None:
    delivery.sentry.always(Hang())
    dispatcher = delivery.begin(Nowhere())
    put(dispatcher, 1)
    began = time.monotonic()
    assert dispatcher.exit(0.5) == 1
    for number in range(100):
        dispatcher.put(dispatcher.entry(event(number)))
    assert time.monotonic() - began < LONG
    assert delivery.lost() == {("network_error", "error"): 101}


def test_what_is_closed_delivers_what_is_left_and_ends_its_transport(delivery: Delivery, threaded: OnThread) -> None:
    dispatcher = delivery.begin(threaded)
    put(dispatcher, 1, 2)
    dispatcher.close(LONG)
    assert delivery.arrived == ["01", "02"]
    assert threaded.stopped
    dispatcher.put(dispatcher.entry(event(3)))
    assert delivery.lost() == {("network_error", "error"): 1}


def test_what_a_close_cancels_is_counted_once(delivery: Delivery) -> None:
    class Cancelling(InHand):
        """Settles all that is in flight when it is closed, as it has to."""

        def close(self, idle: Any, timeout: float, /) -> bool:
            super().close(idle, timeout)
            while self.sends:
                self.settle(NoResponse(Cancelled(), sent=True))
            return False

    delivery.sentry.always(Hang())
    transport = Cancelling()
    dispatcher = delivery.begin(transport, timeout=0.2)
    put(dispatcher, 1, 2)
    dispatcher.put(dispatcher.entry(session()))
    elsewhere(transport.turn_and_send)
    elsewhere(transport.turn_and_send)
    assert len(transport.sends) == 2
    dispatcher.end(0.0)
    assert not transport.sends
    dispatcher.close(0.2)
    assert delivery.lost() == {("network_error", "error"): 2, ("network_error", "session"): 1}
    assert transport.closed_with[0] == 0.0


def test_who_is_left_behind_by_a_fork_sends_nothing(delivery: Delivery) -> None:
    transport = InHand()
    dispatcher = delivery.begin(transport)
    put(dispatcher, 1)
    dispatcher.leave_behind()
    transport.turn()
    assert not transport.sends
    assert not transport.turns


# -- several


def test_t23_two_clients_share_nothing(delivery: Delivery) -> None:
    with LocalSentry() as limited:
        other = Delivery(limited)
        limited.always(Answer(429, headers={"X-Sentry-Rate-Limits": "600:error:key"}))
        ours, theirs = delivery.begin(InPlace(delivery.post)), other.begin(InPlace(other.post))
        put(ours, 1)
        put(theirs, 1)
        assert theirs.refusal("error") == "ratelimit_backoff"
        theirs.lose("ratelimit_backoff", "error")
        put(ours, 2)
        assert delivery.arrived == ["01", "02"]
        assert (delivery.lost(), other.lost()) == ({}, {("ratelimit_backoff", "error"): 1})
        assert ours.flush(LONG)
        assert delivery.sentry.client_reports == ()
        assert len(limited.requests) == 1


def test_t20_a_server_that_cannot_be_reached_is_a_network_error_in_the_end(delivery: Delivery) -> None:
    delivery.sentry.stop()
    dispatcher = delivery.begin(InPlace(delivery.post))
    put(dispatcher, 1)
    assert delivery.lost() == {}
    assert dispatcher.exit(LONG) == 1
    assert delivery.lost() == {("network_error", "error"): 1}


@pytest.mark.parametrize("status", [301, 307])
def test_t25_a_redirect_is_not_followed(delivery: Delivery, status: int) -> None:
    with LocalSentry() as elsewhere:
        delivery.sentry.answer(Answer(status, headers={"Location": elsewhere.url}))
        dispatcher = delivery.begin(Nowhere())
        put(dispatcher, 1)
        assert dispatcher.flush(LONG)
        assert elsewhere.requests == ()
        assert delivery.lost() == {("send_error", "error"): 1}


def test_threads_that_capture_and_flush_lose_nothing(delivery: Delivery, threaded: OnThread) -> None:
    dispatcher = delivery.begin(threaded)

    def work(first: int) -> None:
        for number in range(first, first + 25):
            dispatcher.put(dispatcher.entry(event(number)))
            if number % 10 == 0:
                dispatcher.flush(LONG)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert dispatcher.flush(LONG)
    assert len({each["event_id"] for each in delivery.sentry.events}) == 100
    assert delivery.lost() == {}
