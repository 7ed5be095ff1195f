"""gevent's hubs begin late and end in their own ways, in any thread: nothing is lost over it, and nothing held up."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import gevent
import pytest
from gevent._hub_local import get_hub_if_exists
from gevent.resolver import AbstractResolver

from asyncsentry.testing import Answer, Hang, LocalSentry
from asyncsentry.transport.protocol import Cancelled, NoResponse, Response
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.gevent import GeventTransport
from transports.places.gevent_hub import GeventHub
from transports.style import PATIENCE, Traffic, done, event_request

T = TypeVar("T")

NOWHERE = Settings("http://127.0.0.1:9/")


@pytest.fixture(autouse=True)
def no_hub_is_left() -> Iterator[None]:
    """Each test begins in a thread without a hub, as a program does."""
    yield
    gevent.get_hub().destroy(destroy_loop=True)


def spawned(function: Callable[[], Any]) -> Any:
    """What a greenlet gives."""
    return gevent.spawn(function).get(timeout=PATIENCE)


def in_thread(function: Callable[[], T]) -> T:
    """What a function gives in a thread of its own, which has ended."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(function).result(PATIENCE)


def blocking(function: Callable[[], object]) -> None:
    """Call what blocks; other greenlets go on."""
    gevent.get_hub().threadpool.apply(function)


# -- which hub


def test_what_is_captured_before_any_hub_is_there_is_sent_by_the_one_to_come(sentry: LocalSentry) -> None:
    transport = GeventTransport(Settings(sentry.url))
    traffic = Traffic(transport, [event_request(sentry)])
    assert transport.later(0.0, traffic.turn)
    assert transport.wait(traffic.settled, PATIENCE)
    assert len(sentry.events) == 1
    assert transport.close(done(), PATIENCE)


def test_a_thread_without_a_hub_has_nowhere_to_run_and_gets_no_hub() -> None:
    transport = GeventTransport(NOWHERE)

    def capture() -> None:
        assert not transport.later(0.0, _never)
        assert get_hub_if_exists() is None

    in_thread(capture)


@pytest.mark.parametrize("pool", [True, False], ids=["pool", "thread"])
def test_another_thread_has_its_turns_run_on_a_hub_that_is_bound(pool: bool) -> None:
    transport = GeventTransport(NOWHERE)
    ran: Future[int] = Future()
    spawned(lambda: transport.later(0.0, _nothing))

    def capture() -> None:
        if pool:
            gevent.sleep(0)  # a hub of its own, which never runs again
        assert transport.later(0.0, lambda: ran.set_result(threading.get_ident()))

    (blocking if pool else in_thread)(capture)
    assert transport.wait(_opened_by(ran), PATIENCE)
    assert ran.result(0) == threading.get_ident()
    assert transport.close(done(), PATIENCE)


def test_each_thread_with_greenlets_has_its_turns_run_on_its_own_hub(sentry: LocalSentry) -> None:
    transport = GeventTransport(Settings(sentry.url))
    homes: list[tuple[int, int]] = []

    def live(habitat: GeventHub) -> None:
        settled: Future[None] = Future()

        def send() -> None:
            here = threading.get_ident()

            def turn() -> None:
                homes.append((here, threading.get_ident()))
                transport.send(event_request(sentry), lambda _: settled.set_result(None))

            assert transport.later(0.0, turn)

        habitat.call(send)
        settled.result(PATIENCE)

    with GeventHub() as one, GeventHub() as other:
        for habitat in (one, other, one):
            live(habitat)
        one.call(lambda: transport.close(done(), PATIENCE))
    assert [asked == ran for asked, ran in homes] == [True] * 3
    assert len({ran for _, ran in homes}) == 2
    sentry.wait_for(lambda: sentry.open_connections == 0)


# -- hubs that end


def end_by_destroying() -> None:
    gevent.get_hub().destroy()


@pytest.mark.parametrize("end", [end_by_destroying, lambda: None], ids=["destroyed", "with-its-thread"])
def test_what_was_on_its_way_on_a_hub_that_ended_is_settled_at_the_next_turn(
    sentry: LocalSentry, end: Callable[[], None]
) -> None:
    sentry.answer(Hang())
    transport = GeventTransport(Settings(sentry.url, timeout=PATIENCE))
    lost = Traffic(transport, [event_request(sentry, "cut off")])

    def live() -> None:
        gevent.get_hub()
        assert transport.later(0.0, lost.turn)
        assert transport.later(10 * PATIENCE, _never)
        blocking(lambda: sentry.wait_for(lambda: sentry.requests, PATIENCE))
        end()

    in_thread(live)
    assert lost.outcomes == []
    kept = Traffic(transport, [event_request(sentry, "next")])

    def go_on() -> None:
        while not lost.outcomes:  # a thread is not quite gone when `join` says so
            assert transport.later(0.0, _nothing)
            gevent.sleep(0.001)
        assert transport.later(0.0, kept.turn)
        assert transport.wait(kept.settled, PATIENCE)

    spawned(go_on)
    (outcome,) = lost.outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, Cancelled)
    assert outcome.sent
    assert isinstance(kept.outcomes[0], Response)
    sentry.wait_for(lambda: sentry.open_connections == 1)
    assert transport.close(done(), PATIENCE)
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_the_main_threads_hub_may_be_destroyed_and_another_made(sentry: LocalSentry) -> None:
    transport = GeventTransport(Settings(sentry.url))
    for life in range(3):
        traffic = Traffic(transport, [event_request(sentry, f"life {life}")])
        assert spawned(partial(transport.later, 0.0, traffic.turn))
        assert transport.wait(traffic.settled, PATIENCE)
        gevent.get_hub().destroy(destroy_loop=life == 1)
    assert transport.close(done(), PATIENCE)
    assert len(sentry.events) == 3
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_nothing_of_ours_keeps_a_hub_alive(sentry: LocalSentry) -> None:
    transport = GeventTransport(Settings(sentry.url))
    traffic = Traffic(transport, [event_request(sentry)])
    assert transport.later(0.0, traffic.turn)
    assert transport.later(10 * PATIENCE, _never)
    assert gevent.get_hub().join(PATIENCE)  # it sends what is to be sent now
    assert traffic.settled.done()
    assert sentry.open_connections == 1
    assert gevent.wait(timeout=PATIENCE)
    assert transport.close(done(), PATIENCE)


# -- greenlets that are killed


@pytest.mark.parametrize("begun", [True, False])
def test_a_send_whose_greenlet_is_killed_is_nobodys_failure(sentry: LocalSentry, begun: bool) -> None:
    sentry.answer(Hang())
    transport = GeventTransport(Settings(sentry.url, timeout=PATIENCE))
    traffic = Traffic(transport, [event_request(sentry)])

    def turn() -> None:
        before = set(_greenlets())
        traffic.turn()
        killed.extend(set(_greenlets()) - before)
        if not begun:
            gevent.killall(killed, block=False)

    killed: list[gevent.Greenlet[..., Any]] = []
    assert transport.later(0.0, turn)
    if begun:
        blocking(lambda: sentry.wait_for(lambda: sentry.requests, PATIENCE))
        gevent.killall(killed)
    assert transport.wait(traffic.settled, PATIENCE)
    (outcome,) = traffic.outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, Cancelled)
    assert outcome.sent == begun
    assert transport.close(done(), PATIENCE)
    sentry.wait_for(lambda: sentry.open_connections == 0)


# -- waiting and closing


def test_who_waits_holds_up_no_other_greenlet() -> None:
    transport = GeventTransport(NOWHERE)
    idle: Future[None] = Future()
    waiting = [gevent.spawn(transport.wait, idle, PATIENCE) for _ in range(3)]
    gevent.sleep(0.01)
    idle.set_result(None)
    assert [each.get(timeout=PATIENCE) for each in waiting] == [True] * 3


def test_a_thread_may_wait_for_what_is_sent_on_a_hub(sentry: LocalSentry) -> None:
    transport = GeventTransport(Settings(sentry.url))
    traffic = Traffic(transport, [event_request(sentry)])
    waited: list[bool] = []

    def wait() -> None:
        assert transport.later(0.0, traffic.turn)
        waited.append(transport.wait(traffic.settled, PATIENCE))
        waited.append(transport.wait(Future(), 0.01))
        waited.append(transport.close(done(), PATIENCE))

    spawned(lambda: transport.later(0.0, _nothing))
    blocking(wait)
    assert waited == [True, False, True]
    assert not transport.later(0.0, _never)
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_closing_from_a_thread_settles_what_a_hub_that_is_held_up_cannot(sentry: LocalSentry) -> None:
    sentry.always(Hang())
    transport = GeventTransport(Settings(sentry.url, timeout=10 * PATIENCE))
    traffic = Traffic(transport, [event_request(sentry)])
    assert transport.later(0.0, traffic.turn)
    blocking(lambda: sentry.wait_for(lambda: sentry.requests, PATIENCE))
    in_thread(lambda: transport.close(done(), PATIENCE))  # waited for by the whole thread
    (outcome,) = traffic.outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, Cancelled)
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_closing_goes_on_when_the_greenlet_that_waits_is_killed(sentry: LocalSentry) -> None:
    sentry.answer(Answer(delay=0.2))
    transport = GeventTransport(Settings(sentry.url))
    traffic = Traffic(transport, [event_request(sentry)])
    assert transport.later(0.0, traffic.turn)
    closing = gevent.spawn(transport.close, traffic.settled, PATIENCE)
    gevent.sleep(0.01)
    closing.kill()
    assert transport.wait(traffic.settled, PATIENCE)
    assert isinstance(traffic.outcomes[0], Response)
    blocking(lambda: sentry.wait_for(lambda: sentry.open_connections == 0, PATIENCE))
    assert not transport.later(0.0, _never)


# -- what takes long


def test_a_look_up_that_takes_long_is_cut_short() -> None:
    class Slow(AbstractResolver):
        def getaddrinfo(self, *_: Any, **__: Any) -> Any:
            gevent.sleep(10 * PATIENCE)

    gevent.get_hub().resolver = Slow()
    url = "http://sentry.invalid/"
    transport = GeventTransport(Settings(url, timeout=0.1))
    with LocalSentry() as server:
        traffic = Traffic(transport, [event_request(server)])
    assert transport.later(0.0, traffic.turn)
    assert transport.wait(traffic.settled, PATIENCE)
    (outcome,) = traffic.outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, TimeoutError)
    assert not outcome.sent
    assert transport.close(done(), PATIENCE)


def test_a_host_without_an_address_in_reach_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    transport = GeventTransport(Settings(f"http://localhost:{port}/"))
    with LocalSentry() as server:
        traffic = Traffic(transport, [event_request(server)])
    assert transport.later(0.0, traffic.turn)
    assert transport.wait(traffic.settled, PATIENCE)
    (outcome,) = traffic.outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, ConnectionRefusedError)
    assert transport.close(done(), PATIENCE)


def _greenlets() -> list[gevent.Greenlet[..., Any]]:
    return [each for each in gc.get_objects() if isinstance(each, gevent.Greenlet)]


def _opened_by(future: Future[Any]) -> Future[None]:
    latch: Future[None] = Future()
    future.add_done_callback(lambda _: latch.set_result(None))
    return latch


def _nothing() -> None:
    pass


def _never() -> None:
    raise AssertionError("a turn ran that should not have")
