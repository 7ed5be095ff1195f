"""Waiting for delivery, in every style and against a real server."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from asyncsentry.delivery.envelope import AT_ONCE
from asyncsentry.delivery.last_resort import Channel
from asyncsentry.item import Attachment
from asyncsentry.post import Channel as Connection
from asyncsentry.testing import Answer, Hang, Reset
from asyncsentry.testing.answers import Reply
from asyncsentry.transport.protocol import NoResponse, Transport
from delivery.delivering import LONG, Delivery, elsewhere, put
from delivery.material import event
from delivery.styles import InHand, InPlace, NeverSettles, Nowhere, OnThread, Raises, SettlesTwice


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
    transport.turn_and_send()  # in this thread
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
    elsewhere(transport.turn_and_send)
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


def test_a_flush_leaves_to_another_thread_what_that_begins_to_send_just_now(delivery: Delivery) -> None:
    delivery.sentry.always(Answer(delay=0.15))
    transport = InHand()

    def begin_elsewhere() -> Channel:
        elsewhere(transport.turn_and_send)
        threading.Thread(target=lambda: transport.settle(delivery.post(transport.sends[0][0]))).start()
        return Connection(delivery.settings)

    dispatcher = delivery.begin(transport, open_channel=begin_elsewhere)
    put(dispatcher, 1)
    assert dispatcher.flush(LONG, patient=False)
    assert delivery.arrived == ["01"]


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


def test_without_patience_a_flush_waits_for_a_server_that_fails_if_that_is_soon_over(delivery: Delivery) -> None:
    delivery.sentry.answer(Answer(503), Reset(), Answer(503))
    dispatcher = delivery.begin(Nowhere())
    put(dispatcher, 1)
    assert dispatcher.flush(LONG, patient=False)
    assert delivery.arrived == ["01"]


def test_without_patience_a_flush_does_not_wait_for_what_does_not_come_in_time(delivery: Delivery) -> None:
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
    assert set(delivery.arrived) == {"01", "02"}, "what was given up on just then may have arrived, too"


def test_a_large_body_is_compressed_by_whoever_flushes_where_nobody_else_sends(delivery: Delivery) -> None:
    dispatcher = delivery.begin(Nowhere())
    item = event(attachments=(Attachment(bytes(AT_ONCE), "zeros.bin"),))
    dispatcher.put(dispatcher.entry(item))
    assert dispatcher.flush(LONG)
    (request,) = delivery.sentry.requests
    assert len(request.raw_body) < AT_ONCE < len(request.body)


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
