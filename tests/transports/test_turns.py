"""When and where a turn runs, in every style."""

from __future__ import annotations

import gc
import logging
import signal
import threading
import time
from concurrent.futures import Future
from functools import partial

import pytest

from asyncsentry.testing import LocalSentry
from asyncsentry.transport.settings import Settings
from transports.style import Style

SETTINGS = Settings("http://127.0.0.1:9/api/1/envelope/")


class Turns:
    """Turns that note where they ran."""

    def __init__(self, expected: int = 1) -> None:
        self.threads: list[int] = []
        self.ran: Future[None] = Future()
        self._expected = expected

    def __call__(self) -> None:
        self.threads.append(threading.get_ident())
        if len(self.threads) == self._expected:
            self.ran.set_result(None)


def test_making_a_transport_starts_nothing(style: Style) -> None:
    before = threading.enumerate()
    style.make(SETTINGS)
    assert threading.enumerate() == before


def test_a_turn_runs_once(style: Style) -> None:
    async def scenario() -> None:
        async with style.transport(SETTINGS) as transport:
            turns = Turns()
            assert transport.later(0.0, turns)
            await style.until(turns.ran)
            assert len(turns.threads) == 1

    style.run(scenario)


def test_a_turn_runs_in_its_style_own_thread(style: Style) -> None:
    async def scenario() -> None:
        async with style.transport(SETTINGS) as transport:
            turns = Turns()
            assert transport.later(0.0, turns)
            await style.until(turns.ran)
            here = turns.threads == [threading.get_ident()]
            assert here == (style.on_loop or style.in_place)

    style.run(scenario)


def test_turns_that_ask_for_turns_do_not_recurse(style: Style) -> None:
    async def scenario() -> None:
        async with style.transport(SETTINGS) as transport:
            turns = Turns(5000)
            running: list[bool] = []

            def turn() -> None:
                assert running == []
                running.append(True)
                turns()
                if len(turns.threads) < 5000:
                    assert transport.later(0.0, turn)
                running.clear()

            assert transport.later(0.0, turn)
            await style.until(turns.ran)

    style.run(scenario)


def test_a_turn_that_fails_stops_nothing(style: Style, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("oh")

    async def scenario() -> None:
        async with style.transport(SETTINGS) as transport:
            turns = Turns()
            assert transport.later(0.0, fail)
            if not style.in_place:
                assert transport.later(0.001, fail)
                assert transport.later(0.01, turns)
            else:
                assert transport.later(0.0, turns)
            await style.until(turns.ran)

    with caplog.at_level(logging.DEBUG, "asyncsentry"):
        style.run(scenario)
    said = [record for record in caplog.records if record.exc_info]
    assert {(record.name, record.levelno) for record in said} == {("asyncsentry", logging.DEBUG)}


def test_a_turn_with_a_delay_runs_after_it_or_is_refused(style: Style) -> None:
    async def scenario() -> None:
        async with style.transport(SETTINGS) as transport:
            order: list[str] = []
            last = Turns()
            asked = time.monotonic()
            taken = [
                transport.later(0.2, last),
                transport.later(0.1, partial(order.append, "second")),
                transport.later(0.02, partial(order.append, "first")),
            ]
            assert taken == [not style.in_place] * 3
            if not style.in_place:
                await style.until(last.ran)
                assert order == ["first", "second"]
                assert time.monotonic() - asked > 0.19

    style.run(scenario)


def test_turns_may_be_asked_for_from_any_thread(style: Style) -> None:
    async def scenario() -> None:
        async with style.transport(SETTINGS) as transport:
            first, turns = Turns(), Turns(80)
            assert transport.later(0.0, first)
            await style.until(first.ran)
            took: list[bool] = []
            threads = [
                threading.Thread(target=lambda: took.extend(transport.later(0.0, turns) for _ in range(20)))
                for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            await style.until(turns.ran)
            for thread in threads:
                thread.join()
            assert took == [True] * 80

    style.run(scenario)


def test_turns_may_be_asked_for_in_a_signal_handler(style: Style) -> None:
    async def scenario() -> None:
        async with style.transport(SETTINGS) as transport:
            turns = Turns(400)
            previous = signal.signal(signal.SIGUSR1, lambda *_: transport.later(0.0, turns))
            storm = threading.Thread(target=_raise_signals, args=(400, turns))
            try:
                # Also in the midst of the transport's own code: the signals come whenever the main thread is running.
                storm.start()
                # Never idle: Python itself may leave a signal unseen that comes just before it starts to wait.
                while not turns.ran.done():
                    assert transport.later(0.0, _nothing)
                    await style.pass_on()
            finally:
                storm.join()
                assert len(turns.threads) == 400
                signal.signal(signal.SIGUSR1, previous)

    style.run(scenario)


def _raise_signals(count: int, turns: Turns) -> None:
    """Send signals one by one: each is seen before the next, as equal ones would be merged."""
    main = threading.main_thread().ident
    assert main is not None
    for number in range(count):
        signal.pthread_kill(main, signal.SIGUSR1)
        while len(turns.threads) <= number:
            time.sleep(0.0001)


def _collect() -> None:
    gc.collect()


def _nothing() -> None:
    pass


def test_a_signal_handler_wakes_a_loop_that_waits(loop_style: Style) -> None:
    async def scenario() -> None:
        async with loop_style.transport(SETTINGS) as transport:
            turns = Turns()
            previous = signal.signal(signal.SIGALRM, lambda *_: transport.later(0.0, turns))
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            try:
                await loop_style.until(turns.ran)
            finally:
                signal.signal(signal.SIGALRM, previous)

    loop_style.run(scenario)


class Dying:
    """Asks for a turn when it is collected."""

    def __init__(self, ask: partial[bool]) -> None:
        self.itself = self
        self.ask = ask

    def __del__(self) -> None:
        self.ask()


def test_turns_may_be_asked_for_in_a_finalizer(style: Style) -> None:
    async def scenario() -> None:
        async with style.transport(SETTINGS) as transport:
            turns = Turns(50)
            threshold = gc.get_threshold()
            gc.freeze()  # what is there already need not be looked at each time
            gc.set_threshold(5)  # so that finalizers run in the midst of everything
            try:
                for _ in range(50):
                    Dying(partial(transport.later, 0.0, turns))
                    assert transport.later(0.0, _collect)
                gc.collect()
                await style.until(turns.ran)
            finally:
                gc.set_threshold(*threshold)
                gc.unfreeze()

    style.run(scenario)


def test_a_closed_transport_takes_no_turns(style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            turns = Turns()
            assert transport.later(0.0, turns)
            await style.until(turns.ran)
        never = Turns()
        assert not transport.later(0.0, never)
        assert not transport.later(0.01, never)
        assert never.threads == []

    style.run(scenario)
