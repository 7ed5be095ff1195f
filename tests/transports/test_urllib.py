"""The urllib transport by itself: threads, signals, and Ctrl-C."""

from __future__ import annotations

import signal
import threading

import pytest

from asyncsentry.testing import Answer, Hang, LocalSentry
from asyncsentry.transport.protocol import Cancelled, NoResponse, Response
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.urllib import UrllibTransport
from transports.style import PATIENCE, Traffic, done, event_request


def test_threads_that_send_at_once_have_a_connection_each(sentry: LocalSentry) -> None:
    together = threading.Barrier(3)
    transport = UrllibTransport(Settings(sentry.url, max_in_flight=2))
    sentry.always(Answer(delay=0.2))
    traffics = [Traffic(transport, [event_request(sentry)]) for _ in range(3)]

    def send(traffic: Traffic) -> None:
        together.wait(PATIENCE)
        transport.later(0.0, traffic.turn)

    threads = [threading.Thread(target=send, args=(traffic,)) for traffic in traffics]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert all(isinstance(traffic.outcomes[0], Response) for traffic in traffics)
    assert sentry.connections == 3
    sentry.wait_for(lambda: sentry.open_connections == 2)  # more than may be in flight are not kept
    transport.close(done(), 0.0)
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_closing_ends_the_posts_of_other_threads(sentry: LocalSentry) -> None:
    sentry.always(Hang())
    transport = UrllibTransport(Settings(sentry.url, timeout=10 * PATIENCE))
    traffic = Traffic(transport, [event_request(sentry)])
    thread = threading.Thread(target=transport.later, args=(0.0, traffic.turn))
    thread.start()
    sentry.wait_for(lambda: sentry.requests)
    assert not transport.close(traffic.settled, 0.01)
    thread.join(PATIENCE)
    (outcome,) = traffic.outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, Cancelled)
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_ctrl_c_in_the_midst_of_a_post_is_the_programs_and_settles_it(sentry: LocalSentry) -> None:
    sentry.answer(Hang())
    transport = UrllibTransport(Settings(sentry.url, timeout=10 * PATIENCE))
    traffic = Traffic(transport, [event_request(sentry)])

    seen = threading.Event()

    def interrupt() -> None:
        sentry.wait_for(lambda: sentry.requests)
        while not seen.wait(0.05):  # Python may leave a signal unseen that comes just before it starts to wait
            signal.pthread_kill(main, signal.SIGUSR1)

    def handler(*_: object) -> None:
        if not seen.is_set():
            seen.set()
            raise KeyboardInterrupt

    main = threading.get_ident()
    previous = signal.signal(signal.SIGUSR1, handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            transport.later(0.0, traffic.turn)
    finally:
        thread.join(PATIENCE)
        signal.signal(signal.SIGUSR1, previous)
    (outcome,) = traffic.outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, Cancelled)
    again = Traffic(transport, [event_request(sentry)])
    assert transport.later(0.0, again.turn)
    assert isinstance(again.outcomes[0], Response)
    transport.close(done(), 0.0)


def test_a_signal_that_comes_while_a_turn_runs_has_its_turn_after_it() -> None:
    transport = UrllibTransport(Settings("http://127.0.0.1:9/"))
    order: list[str] = []

    def turn() -> None:
        signal.raise_signal(signal.SIGUSR1)
        order.append("turn")

    previous = signal.signal(signal.SIGUSR1, lambda *_: transport.later(0.0, lambda: order.append("signal")))
    try:
        assert transport.later(0.0, turn)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert order == ["turn", "signal"]
