"""Waiting for delivery, and its end, in every style and against a real server."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from asyncsentry.delivery.dispatcher import Dispatcher
from asyncsentry.delivery.envelope import Packer
from asyncsentry.delivery.last_resort import Channel
from asyncsentry.delivery.losses import Losses
from asyncsentry.delivery.outbox import Outbox
from asyncsentry.post import Channel as Connection
from asyncsentry.testing import Answer, Hang, LocalSentry, Reset
from asyncsentry.testing.answers import Reply
from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Response, Transport
from asyncsentry.transport.settings import Settings
from delivery.material import event, lost, session
from delivery.styles import InHand, InPlace, NeverSettles, Nowhere, OnThread, Raises, SettlesTwice
from delivery.test_turns import Known

LONG = 15.0
"""Seconds that no flush of these needs."""

TIMEOUT = 5.0


class Delivery:
    """All that brings events to a server; the transports of these tests send through ``post``."""

    def __init__(self, sentry: LocalSentry) -> None:
        self.sentry = sentry
        self.known = Known()
        self.losses = Losses()
        self.opened: list[int] = []
        self.patience = TIMEOUT + 5
        self.settings = Settings(sentry.url, timeout=TIMEOUT)

    def begin(
        self,
        transport: Transport[Any],
        *,
        reports: bool = True,
        timeout: float = TIMEOUT,
        open_channel: Callable[[], Channel] | None = None,
    ) -> Dispatcher:
        outbox = Outbox(
            self.losses,
            queue_bytes=10**6,
            max_in_flight=4,
            patience=timeout + 5,
            wall=time.time,
            send_reports=reports,
        )
        headers = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={'a' * 32}"}
        return Dispatcher(
            outbox,
            self.losses,
            transport,
            encode=Packer(self.sentry.url, headers, {"name": "tests"}, dict, dict),
            open_channel=open_channel or self._open,
            readiness=self.known,
            timeout=timeout,
        )

    def post(self, request: Request) -> Response | NoResponse:
        """One request on a connection of its own: how the transports here send."""
        connection = Connection(self.settings)
        try:
            return connection.post(request, TIMEOUT)
        finally:
            connection.close()

    def lost(self) -> dict[tuple[str, str], int]:
        return lost(self.losses)

    @property
    def arrived(self) -> list[str]:
        return sorted(each["event_id"][-2:] for each in self.sentry.events)

    def _open(self) -> Channel:
        self.opened.append(threading.get_native_id())
        return Connection(self.settings)


@pytest.fixture
def delivery(sentry: LocalSentry) -> Delivery:
    return Delivery(sentry)


@pytest.fixture
def threaded(delivery: Delivery) -> Iterator[OnThread]:
    transport = OnThread(delivery.post)
    yield transport
    transport.stop()


def put(dispatcher: Dispatcher, *numbers: int) -> None:
    for number in numbers:
        assert dispatcher.refusal("error") is None
        dispatcher.put(event(number))


def elsewhere(function: Callable[[], Any]) -> Any:
    """What the function gives in a thread of its own."""
    given = []
    thread = threading.Thread(target=lambda: given.append(function()))
    thread.start()
    thread.join(LONG)
    return given[0]


# -- flushing


def test_nothing_to_deliver_is_nothing_to_wait_for(delivery: Delivery) -> None:
    assert delivery.begin(Nowhere()).flush(0)
    assert delivery.opened == []


def test_a_transport_that_sends_on_its_thread_is_waited_for(delivery: Delivery, threaded: OnThread) -> None:
    dispatcher = delivery.begin(threaded)
    put(dispatcher, *range(10))
    assert dispatcher.flush(LONG)
    assert len(delivery.sentry.events) == 10
    assert delivery.opened == []


def test_a_transport_that_has_nowhere_to_run_is_not_waited_for(delivery: Delivery) -> None:
    dispatcher = delivery.begin(Nowhere())
    put(dispatcher, 1, 2)
    assert dispatcher.flush(LONG)
    assert delivery.arrived == ["01", "02"]
    assert delivery.sentry.connections == 1


@pytest.mark.parametrize("turns", [False, True])
def test_a_transport_that_raises_costs_nothing_but_itself(delivery: Delivery, turns: bool) -> None:
    dispatcher = delivery.begin(Raises(turns=turns))
    put(dispatcher, 1)
    assert dispatcher.flush(LONG)
    assert delivery.arrived == ["01"]
    dispatcher.close(LONG)
    assert delivery.lost() == {}


def test_a_transport_that_settles_twice_delivers_once(delivery: Delivery) -> None:
    dispatcher = delivery.begin(SettlesTwice(delivery.post))
    put(dispatcher, 1)
    assert dispatcher.flush(LONG)
    assert delivery.arrived == ["01"]
    assert delivery.lost() == {}


def test_a_transport_that_never_settles_is_not_waited_for_all_the_time(delivery: Delivery) -> None:
    transport = NeverSettles()
    dispatcher = delivery.begin(transport)
    put(dispatcher, 1, 2)
    assert dispatcher.flush(2)
    assert delivery.arrived == ["01", "02"]
    transport.stop()


def test_a_loop_s_own_thread_sends_what_the_loop_has_in_flight(delivery: Delivery) -> None:
    transport = InHand()
    dispatcher = delivery.begin(transport)
    put(dispatcher, 1, 2)
    transport.turn()  # in this thread
    assert len(transport.sends) == 1
    assert dispatcher.flush(LONG)
    assert delivery.arrived == ["01", "02"]
    transport.settle()  # the loop goes on, and finds that it is settled
    while transport.turns:
        transport.turn()
    assert not transport.sends
    assert dispatcher.exit(0) == 0


def test_a_running_loop_is_noticed_before_its_first_turn(delivery: Delivery) -> None:
    transport = InHand()
    dispatcher = delivery.begin(transport)

    async def main() -> bool:
        put(dispatcher, 1)
        return dispatcher.flush(LONG)

    assert asyncio.run(main())
    assert delivery.arrived == ["01"]


def test_a_loop_in_another_thread_that_shows_no_sign_of_life_is_given_up_on(delivery: Delivery) -> None:
    transport = InHand()
    dispatcher = delivery.begin(transport)
    put(dispatcher, 1, 2)
    elsewhere(transport.turn)
    assert len(transport.sends) == 1
    assert dispatcher.flush(1)
    assert delivery.arrived == ["01", "02"]


def test_a_flush_while_another_thread_is_at_work_sends_nothing_twice(delivery: Delivery, threaded: OnThread) -> None:
    delivery.sentry.always(Answer(delay=0.15))
    dispatcher = delivery.begin(threaded)
    put(dispatcher, *range(6))
    assert dispatcher.flush(LONG)
    assert len(delivery.sentry.events) == 6
    assert delivery.opened == []


def test_a_flush_of_what_backs_off_elsewhere_tries_from_here(delivery: Delivery, threaded: OnThread) -> None:
    delivery.sentry.answer(Answer(503), Answer(503, headers={"Retry-After": "3600"}))
    dispatcher = delivery.begin(threaded)
    put(dispatcher, 1)
    delivery.sentry.wait_for(lambda: len(delivery.sentry.requests) == 2)
    assert dispatcher.flush(LONG)
    assert delivery.arrived == ["01"]


def test_a_flush_waits_for_the_back_off_of_a_server_that_refuses(delivery: Delivery) -> None:
    delivery.sentry.answer(*[Answer(503)] * 3)
    dispatcher = delivery.begin(Nowhere())
    put(dispatcher, 1)
    assert dispatcher.flush(LONG)
    assert delivery.arrived == ["01"]


def test_a_flush_without_patience_does_not(delivery: Delivery) -> None:
    delivery.sentry.always(Answer(503, headers={"Retry-After": "3600"}))
    dispatcher = delivery.begin(Nowhere())
    put(dispatcher, 1, 2)
    assert not dispatcher.flush(LONG, patient=False)
    assert len(delivery.sentry.requests) == 1
    assert dispatcher.refused == 0
    assert str(dispatcher.take_failure()).startswith("status 503: ")
    assert dispatcher.take_failure() is None


@pytest.mark.parametrize("reply", [Hang(), Reset(), Answer(503)], ids=["hangs", "resets", "is away"])
@pytest.mark.parametrize("style", ["nowhere", "in place", "on a thread"])
def test_t24_a_flush_of_a_server_that_fails_takes_no_longer_than_it_may(
    delivery: Delivery, threaded: OnThread, style: str, reply: Reply
) -> None:
    transport: Transport[Any] = threaded if style == "on a thread" else Nowhere()
    if style == "in place":
        failed = NoResponse(ConnectionRefusedError(), sent=False)
        transport = InPlace(lambda request: failed)
    delivery.sentry.always(reply)
    dispatcher = delivery.begin(transport)
    put(dispatcher, 1, 2)
    began = time.monotonic()
    assert not dispatcher.flush(1)
    assert time.monotonic() - began < LONG
    assert delivery.lost() == {}, "it is still to be delivered"
    delivery.sentry.always(Answer())
    assert dispatcher.flush(LONG)
    assert delivery.arrived == ["01", "02"]


def test_a_flush_has_losses_reported(delivery: Delivery) -> None:
    dispatcher = delivery.begin(Nowhere())
    dispatcher.lose("sample_rate", "error")
    assert dispatcher.flush(LONG)
    (report,) = delivery.sentry.client_reports
    assert report["discarded_events"] == [{"reason": "sample_rate", "category": "error", "quantity": 1}]
    assert dispatcher.losses() == {("sample_rate", "error"): 1}


def test_a_flush_has_reported_what_it_lost_itself(delivery: Delivery) -> None:
    delivery.sentry.answer(Answer(400))
    dispatcher = delivery.begin(Nowhere())
    put(dispatcher, 1)
    assert dispatcher.flush(LONG)
    (report,) = delivery.sentry.client_reports
    assert report["discarded_events"] == [{"reason": "send_error", "category": "error", "quantity": 1}]


def test_losses_that_are_not_reported_keep_nobody_waiting(delivery: Delivery) -> None:
    dispatcher = delivery.begin(Nowhere(), reports=False)
    dispatcher.lose("sample_rate", "error")
    assert dispatcher.flush(0)
    assert delivery.sentry.requests == ()
    assert dispatcher.losses() == {("sample_rate", "error"): 1}


def test_losses_in_a_storm_arm_one_turn(delivery: Delivery) -> None:
    transport = InHand()
    dispatcher = delivery.begin(transport)
    for _ in range(100):
        dispatcher.lose("sample_rate", "error")
    assert len(transport.turns) == 1


def test_a_channel_that_cannot_be_opened_delivers_nothing_and_raises_nothing(delivery: Delivery) -> None:
    def gone() -> Channel:
        raise OSError("no such file: client.pem")

    dispatcher = delivery.begin(Nowhere(), open_channel=gone)
    put(dispatcher, 1)
    assert not dispatcher.flush(0.5)
    assert dispatcher.exit(0.5) == 1


def test_what_is_not_known_yet_is_waited_for_before_the_rest(delivery: Delivery) -> None:
    dispatcher = delivery.begin(Nowhere())
    put(dispatcher, 1)
    assert dispatcher.flush(1.0)
    assert delivery.known.waited == [0.5]
    dispatcher.before_fork()
    assert delivery.known.waited == [0.5, 2.0]


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
    elsewhere(transport.turn)
    assert dispatcher.exit(1.0) == 0
    assert delivery.arrived == ["01", "02"]


def test_what_is_captured_after_the_end_is_delivered_by_who_captured_it(delivery: Delivery) -> None:
    dispatcher = delivery.begin(Nowhere())
    assert dispatcher.exit(LONG) == 0
    put(dispatcher, 1)
    assert delivery.arrived == ["01"]
    put(dispatcher, 2)
    assert delivery.arrived == ["01", "02"]
    assert delivery.lost() == {}


def test_all_that_is_captured_after_the_end_shares_the_time_of_the_end(delivery: Delivery) -> None:
    delivery.sentry.always(Hang())
    dispatcher = delivery.begin(Nowhere())
    put(dispatcher, 1)
    began = time.monotonic()
    assert dispatcher.exit(0.5) == 1
    for number in range(100):
        dispatcher.put(event(number))
    assert time.monotonic() - began < LONG
    assert delivery.lost() == {("network_error", "error"): 101}


def test_what_is_closed_delivers_what_is_left_and_ends_its_transport(delivery: Delivery, threaded: OnThread) -> None:
    dispatcher = delivery.begin(threaded)
    put(dispatcher, 1, 2)
    dispatcher.close(LONG)
    assert delivery.arrived == ["01", "02"]
    assert threaded.stopped
    dispatcher.put(event(3))
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
    dispatcher.put(session())
    elsewhere(transport.turn)
    elsewhere(transport.turn)
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
            dispatcher.put(event(number))
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
