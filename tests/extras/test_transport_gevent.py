"""gevent's hubs: what is common to hubs, what keeps one alive, and what is gevent's own."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

import gevent
import pytest
from gevent._hub_local import get_hub_if_exists
from gevent.resolver import AbstractResolver

from asyncsentry.testing import LocalSentry
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.gevent import GeventTransport
from transports.green_hubs import *  # noqa: F403  # the tests, and their fixtures
from transports.green_hubs import NOWHERE, Kit, never, nothing, only
from transports.places.gevent_hub import GeventHub
from transports.style import PATIENCE, Traffic, done, event_request


@pytest.fixture
def kit() -> Kit:
    return Kit(
        GeventTransport,
        GeventHub,
        hub=gevent.get_hub,
        has_hub=lambda: get_hub_if_exists() is not None,
        end_hub=lambda: gevent.get_hub().destroy(destroy_loop=True),
        spawn=gevent.spawn,
        result=lambda greenlet: greenlet.get(timeout=PATIENCE),
        kind=gevent.Greenlet,
        sleep=gevent.sleep,
        pool=lambda function: gevent.get_hub().threadpool.apply(function),
    )


def test_nothing_of_ours_keeps_a_hub_alive(sentry: LocalSentry) -> None:
    transport = GeventTransport(Settings(sentry.url))
    traffic = Traffic(transport, [event_request(sentry)])
    assert transport.later(0.0, traffic.turn)
    assert transport.later(10 * PATIENCE, never)
    assert gevent.get_hub().join(PATIENCE)  # it sends what is to be sent now
    assert traffic.settled.done()
    assert sentry.open_connections == 1
    assert gevent.wait(timeout=PATIENCE)
    assert transport.close(done(), PATIENCE)


def test_a_hub_may_be_destroyed_and_leave_its_loop_to_the_next(sentry: LocalSentry) -> None:
    """As the main thread's does, unless it is told otherwise."""
    transport = GeventTransport(Settings(sentry.url))
    for life in range(3):
        traffic = Traffic(transport, [event_request(sentry, f"life {life}")])
        assert transport.later(0.0, traffic.turn)
        assert transport.wait(traffic.settled, PATIENCE)
        gevent.get_hub().destroy()
    assert transport.close(done(), PATIENCE)
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_a_thread_of_the_pool_may_have_a_hub_that_does_not_run_any_more() -> None:
    transport = GeventTransport(NOWHERE)
    ran: Future[None] = Future()
    homes: list[int] = []

    def turn() -> None:
        homes.append(threading.get_ident())
        ran.set_result(None)

    def capture() -> None:
        gevent.sleep(0)
        assert transport.later(0.0, turn)

    assert transport.later(0.0, nothing)
    gevent.get_hub().threadpool.apply(capture)
    assert transport.wait(ran, PATIENCE)
    assert homes == [threading.get_ident()]
    assert transport.close(done(), PATIENCE)


def test_a_look_up_that_takes_long_is_cut_short() -> None:
    class Slow(AbstractResolver):
        def getaddrinfo(self, *_: Any, **__: Any) -> Any:
            gevent.sleep(10 * PATIENCE)

    gevent.get_hub().resolver = Slow()
    transport = GeventTransport(Settings("http://sentry.example.com/", timeout=0.1))
    with LocalSentry() as server:
        traffic = Traffic(transport, [event_request(server)])
    assert transport.later(0.0, traffic.turn)
    assert transport.wait(traffic.settled, PATIENCE)
    assert isinstance(only(traffic).error, TimeoutError)
    assert not only(traffic).sent
    assert transport.close(done(), PATIENCE)
