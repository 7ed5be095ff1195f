"""Loops begin late and end in their own ways: nothing is lost over it, and nothing complains."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import logging
import threading
import time
import unittest
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextvars import Context
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from asyncsentry.testing import Answer, Hang, LocalSentry
from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Response, Settle, Transport
from asyncsentry.transport.settings import Settings
from asyncsentry_transports._binding import Binding
from asyncsentry_transports._flight import Flight
from asyncsentry_transports._vigil import Vigil
from transports.style import PATIENCE, AnyTransport, Style, Traffic, done, event_request

NewLoop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=["asyncio", *(["uvloop"] if find_spec("uvloop") else [])])
def new_loop(request: pytest.FixtureRequest) -> NewLoop:
    made: NewLoop = import_module(request.param).new_event_loop
    return made


@pytest.fixture(autouse=True)
def nothing_complains(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """asyncio logs what was left unfinished: a task that was destroyed, an exception that nobody took."""
    with caplog.at_level(logging.WARNING, "asyncio"):
        yield
        gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


class Queue:
    """As much of a core as these tests need: what is put in is sent, and sent again if the send was cancelled."""

    def __init__(self, transport: AnyTransport, sentry: LocalSentry) -> None:
        self.outcomes: list[Response | NoResponse] = []
        self.delivered = 0
        self._transport = transport
        self._sentry = sentry
        self._waiting: list[str] = []

    def put(self, *messages: str) -> None:
        self._waiting.extend(messages)
        self.arm()

    def arm(self) -> bool:
        return bool(self._waiting) and self._transport.later(0.0, self._turn)

    def _turn(self) -> None:
        if self._waiting:
            message = self._waiting.pop(0)
            self._transport.send(event_request(self._sentry, message), self._settle_for(message))
            self.arm()

    def _settle_for(self, message: str) -> Settle:
        def settle(outcome: Response | NoResponse) -> None:
            self.outcomes.append(outcome)
            if isinstance(outcome, NoResponse) and isinstance(outcome.error, Cancelled):
                self._waiting.insert(0, message)
            self.arm()

        return settle


def messages(sentry: LocalSentry) -> list[str]:
    return [event["message"] for event in sentry.events]


def test_what_the_last_statement_of_main_captured_arrives(asyncio_style: Style, sentry: LocalSentry) -> None:
    queue = Queue(asyncio_style.make(Settings(sentry.url)), sentry)

    async def main() -> None:
        queue.put("the last", "and one more", "and another")

    asyncio_style.run(main)
    assert sorted(messages(sentry)) == ["and another", "and one more", "the last"]
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_a_loop_does_not_end_before_the_turns_that_were_asked_for() -> None:
    class Sender:
        def send(self, request: Request, flight: Flight, /) -> None:
            raise AssertionError("nothing is sent")

        async def close(self) -> None:
            order.append("closed")

    order: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        binding = Binding(loop, Sender(), Vigil(Settings("http://127.0.0.1:9/", shutdown_timeout=PATIENCE)))
        binding.start()
        binding.expect()

        def come() -> None:
            binding.turn(0.0, partial(order.append, "turn"))
            binding.has_come()

        loop.call_later(0.05, come)

    asyncio.run(main())
    assert order == ["turn", "closed"]


def test_it_arrives_when_main_raises_too(asyncio_style: Style, sentry: LocalSentry) -> None:
    queue = Queue(asyncio_style.make(Settings(sentry.url)), sentry)

    async def main() -> None:
        queue.put("the crash")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio_style.run(main)
    assert messages(sentry) == ["the crash"]


def test_a_slow_server_is_waited_for_but_not_a_dead_one(asyncio_style: Style, sentry: LocalSentry) -> None:
    sentry.answer(Answer(delay=0.3), Hang())
    transport = asyncio_style.make(Settings(sentry.url, timeout=PATIENCE, shutdown_timeout=1.6))
    queue = Queue(transport, sentry)

    async def main() -> None:
        queue.put("slow", "never")

    asyncio_style.run(main)
    # Where there is a thread, too, it has what the loop could not do any more.
    assert len(sentry.wait_for_events(2)) == 2 if asyncio_style.name == "auto" else len(sentry.events) == 1
    transport.close(done(), 0.0)
    answered = [outcome for outcome in queue.outcomes if isinstance(outcome, Response)]
    cancelled = [outcome for outcome in queue.outcomes if isinstance(outcome, NoResponse)]
    assert answered
    assert {type(outcome.error) for outcome in cancelled} == {Cancelled}
    assert cancelled[-1].sent
    assert 0 < max(waited(outcome.error) for outcome in cancelled) < 1.19  # of 1.2: the answer came in between


def test_a_loop_that_has_not_waited_does_not_say_so(asyncio_style: Style, sentry: LocalSentry) -> None:
    sentry.always(Hang())
    transport = asyncio_style.make(Settings(sentry.url, timeout=PATIENCE))
    queue = Queue(transport, sentry)

    async def main() -> None:
        queue.put("never")
        await asyncio_style.see(sentry, lambda: len(sentry.requests) == 1)
        await transport.close(done(), 0.0)

    asyncio_style.run(main)
    (cancelled,) = queue.outcomes
    assert isinstance(cancelled, NoResponse)
    assert waited(cancelled.error) == 0


def test_a_loop_that_was_closed_without_a_word_has_not_waited_until_that_is_noticed() -> None:
    class Sender:
        def send(self, request: Request, flight: Flight, /) -> None: ...
        async def close(self) -> None: ...

    outcomes: list[Response | NoResponse] = []
    loop = asyncio.new_event_loop()
    vigil = Vigil(Settings("http://127.0.0.1:9/"), itertools.count().__next__)
    binding = Binding(loop, Sender(), vigil)
    binding.send(Request("http://127.0.0.1:9/", {}, b""), outcomes.append)
    vigil.begin()
    loop.close()
    binding.bury()
    (cancelled,) = outcomes
    assert isinstance(cancelled, NoResponse)
    assert waited(cancelled.error) == 0


def test_a_vigil_is_in_vain_while_nothing_moves_and_no_longer_than_it_lasts() -> None:
    now = 0.0
    vigil = Vigil(Settings("http://127.0.0.1:9/", shutdown_timeout=4.0), lambda: now)
    vigil.move()
    assert vigil.in_vain == 0
    vigil.begin()
    now = 1.0
    assert vigil.in_vain == 1
    vigil.move()
    now = 2.5
    assert vigil.in_vain == 1.5
    now = 20.0
    assert vigil.in_vain == vigil.longest == 3
    vigil.end()
    assert vigil.in_vain == 0


def waited(error: BaseException) -> float:
    assert isinstance(error, Cancelled)
    return error.waited


def test_cancelling_every_task_cuts_no_request_in_two(asyncio_style: Style, sentry: LocalSentry) -> None:
    sentry.always(Answer(delay=0.1))
    queue = Queue(asyncio_style.make(Settings(sentry.url)), sentry)

    async def main() -> None:
        queue.put("one", "two", "three")
        await asyncio_style.see(sentry, lambda: len(sentry.requests) == 3)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    asyncio_style.run(main)
    assert sorted(messages(sentry)) == ["one", "three", "two"]
    assert len(sentry.requests) == 3


def test_a_cancelled_send_is_nobodys_failure(asyncio_style: Style, sentry: LocalSentry) -> None:
    """Before its first step, and before anything has left."""
    queue = Queue(asyncio_style.make(Settings(sentry.url)), sentry)

    async def main() -> None:
        queue.put("stubborn")
        for _ in range(3):
            await asyncio.sleep(0)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

    asyncio_style.run(main)
    assert messages(sentry) == ["stubborn"]
    assert {type(outcome.error) for outcome in queue.outcomes if isinstance(outcome, NoResponse)} <= {Cancelled}
    assert not any(outcome.sent for outcome in queue.outcomes if isinstance(outcome, NoResponse))


def test_one_transport_outlives_many_loops(asyncio_style: Style, sentry: LocalSentry) -> None:
    transport = asyncio_style.make(Settings(sentry.url))
    queue = Queue(transport, sentry)

    for number in range(3):

        async def main(number: int = number) -> None:
            queue.put(f"loop {number}")

        asyncio_style.run(main)
        assert not transport.later(0.0, never) or asyncio_style.name == "auto"
    assert messages(sentry) == ["loop 0", "loop 1", "loop 2"]


def test_without_a_loop_there_is_nowhere_to_run(asyncio_style: Style) -> None:
    transport = asyncio_style.make(Settings("http://127.0.0.1:9/"))
    if asyncio_style.name != "auto":
        assert not transport.later(0.0, never)
        assert not transport.later(1.0, never)


def test_a_timer_keeps_no_loop_alive(asyncio_style: Style) -> None:
    transport = asyncio_style.make(Settings("http://127.0.0.1:9/", shutdown_timeout=PATIENCE))

    async def main() -> None:
        assert transport.later(10 * PATIENCE, never)
        assert transport.later(1.0, never)

    asyncio_style.run(main)


def test_what_became_due_while_a_capture_held_the_loop_up_comes_before_its_turn(asyncio_style: Style) -> None:
    transport = asyncio_style.make(Settings("http://127.0.0.1:9/"))
    order: list[str] = []

    async def beat() -> None:
        await asyncio.sleep(0.001)
        order.append("beat")

    async def main() -> None:
        for _ in range(3):
            beating = asyncio.create_task(beat())
            await asyncio.sleep(0)
            time.sleep(0.01)  # the capture, and what led to it
            ran: Future[None] = Future()
            assert transport.later(0.0, partial(order.append, "turn"))
            assert transport.later(0.0, partial(ran.set_result, None))
            await asyncio_style.until(ran)
            await beating

    asyncio_style.run(main)
    assert order == ["beat", "turn"] * 3


def test_only_a_loop_that_may_sleep_is_woken(asyncio_style: Style) -> None:
    transport = asyncio_style.make(Settings("http://127.0.0.1:9/"))
    asked: list[int] = []

    class Woken(asyncio.SelectorEventLoop):
        wakings = 0

        # Any: whatever the callback takes.
        def call_soon_threadsafe(  # type: ignore[override]  # how the two belong together is no matter here
            self, callback: Callable[..., object], *arguments: Any, context: Context | None = None
        ) -> asyncio.Handle:
            self.wakings += 1
            return super().call_soon_threadsafe(callback, *arguments, context=context)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Woken)

        def ask(turn: Callable[[], None]) -> None:
            before = loop.wakings
            assert transport.later(0.0, turn)
            asked.append(loop.wakings - before)

        def go_on() -> None:
            loop.call_soon(ask, partial(ran.set_result, None))

        def fail() -> None:
            ask(go_on)
            raise ValueError("what comes after it is no turn")

        ran: Future[None] = Future()
        ask(fail)
        await asyncio_style.until(ran)

    with contextlib.closing(Woken()) as loop:
        loop.run_until_complete(main())
        loop.run_until_complete(loop.shutdown_asyncgens())
    assert asked == [0, 0, 1], "in a task, in a turn, and in any other call, where a signal handler may have come"


def test_a_turn_that_is_about_to_come_is_waited_for(asyncio_style: Style, sentry: LocalSentry) -> None:
    transport = asyncio_style.make(Settings(sentry.url))
    traffic = Traffic(transport, [event_request(sentry)])

    async def main() -> None:
        assert transport.later(0.01, traffic.turn)

    asyncio_style.run(main)
    assert traffic.settled.done()
    assert len(sentry.events) == 1


def test_two_loops_in_two_threads_each_send_their_own(asyncio_style: Style, sentry: LocalSentry) -> None:
    transport = asyncio_style.make(Settings(sentry.url))
    barrier = threading.Barrier(2)
    threads: list[tuple[str, int, int]] = []

    def live(name: str) -> None:
        async def main() -> None:
            for number in range(5):
                barrier.wait(PATIENCE)
                settled: Future[None] = Future()

                def turn(number: int = number, settled: Future[None] = settled) -> None:
                    threads.append((name, number, threading.get_ident()))
                    transport.send(event_request(sentry, f"{name} {number}"), lambda _: settled.set_result(None))

                assert transport.later(0.0, turn)
                await asyncio_style.until(settled)

        asyncio_style.run(main)

    workers = [threading.Thread(target=live, args=(name,)) for name in ("a", "b")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE)
    assert sorted(messages(sentry)) == sorted(f"{name} {number}" for name in "ab" for number in range(5))
    assert len({(name, thread) for name, _, thread in threads}) == 2


def test_a_thread_without_a_loop_uses_the_bound_one(asyncio_style: Style, sentry: LocalSentry) -> None:
    transport = asyncio_style.make(Settings(sentry.url))

    async def main() -> None:
        await asyncio_style.deliver(transport, event_request(sentry, "bound"))
        traffic = Traffic(transport, [event_request(sentry, "from a thread")])
        ran_in: list[int] = []

        def turn() -> None:
            ran_in.append(threading.get_ident())
            traffic.turn()

        assert await asyncio.get_running_loop().run_in_executor(None, transport.later, 0.0, turn)
        await asyncio_style.until(traffic.settled)
        assert (ran_in == [threading.get_ident()]) == (asyncio_style.name != "auto")

    asyncio_style.run(main)
    assert messages(sentry) == ["bound", "from a thread"]


@pytest.fixture(params=["asyncio", *(library for library in ("aiohttp", "httpx", "tornado") if find_spec(library))])
def on_any_loop(request: pytest.FixtureRequest) -> Callable[[Settings], AnyTransport]:
    module = import_module(f"asyncsentry_transports.{request.param}")
    made: Callable[[Settings], AnyTransport] = getattr(module, f"{request.param.capitalize()}Transport")
    return made


# The program's own fault, and Python's to say: whoever closes a loop without `shutdown_asyncgens` leaves sockets open.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore:Unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_was_closed_without_a_word_is_noticed_on_the_next(new_loop: NewLoop, sentry: LocalSentry) -> None:
    from asyncsentry_transports.asyncio import AsyncioTransport

    sentry.answer(Hang())
    transport: Transport[Any] = AsyncioTransport(Settings(sentry.url, timeout=PATIENCE))
    queue = Queue(transport, sentry)

    async def capture() -> None:
        queue.put("cut off")
        await asyncio.get_running_loop().run_in_executor(None, sentry.wait_for, lambda: sentry.requests)

    loop = new_loop()
    loop.run_until_complete(capture())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    assert queue.outcomes == []
    assert not transport.later(0.0, never)

    async def go_on() -> None:
        queue.put("next")
        await asyncio.get_running_loop().run_in_executor(None, sentry.wait_for_events, 2)

    asyncio.run(go_on())
    (lost,) = [outcome for outcome in queue.outcomes if isinstance(outcome, NoResponse)]
    assert isinstance(lost.error, Cancelled)
    assert lost.sent
    assert sorted(messages(sentry)) == ["cut off", "next"]


def test_a_loop_may_pause_and_go_on(
    new_loop: NewLoop, on_any_loop: Callable[[Settings], AnyTransport], sentry: LocalSentry
) -> None:
    transport = on_any_loop(Settings(sentry.url))
    queue = Queue(transport, sentry)

    async def capture() -> None:
        queue.put("before")

    loop = new_loop()
    loop.run_until_complete(capture())
    queue.put("between")  # from no loop: kept for when it runs again
    loop.run_until_complete(loop.run_in_executor(None, sentry.wait_for_events, 2))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    assert not transport.later(0.0, never)
    loop.close()
    assert sorted(messages(sentry)) == ["before", "between"]


def test_closing_from_outside_settles_what_a_paused_loop_left(
    new_loop: NewLoop, on_any_loop: Callable[[Settings], AnyTransport], sentry: LocalSentry
) -> None:
    sentry.always(Hang())
    transport = on_any_loop(Settings(sentry.url, timeout=PATIENCE))
    traffic = Traffic(transport, [event_request(sentry)])

    async def capture() -> None:
        assert transport.later(0.0, traffic.turn)
        await asyncio.get_running_loop().run_in_executor(None, sentry.wait_for, lambda: sentry.requests)

    loop = new_loop()
    loop.run_until_complete(capture())
    idle: Future[None] = Future()
    idle.set_result(None)

    async def close() -> bool:
        return bool(await transport.close(idle, 0.0))

    assert asyncio.run(close())
    (outcome,) = traffic.outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, Cancelled)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_a_program_that_is_interrupted_delivers(asyncio_style: Style, sentry: LocalSentry) -> None:
    """Out of the loop itself, as Ctrl-C comes: nothing has awaited anything."""
    queue = Queue(asyncio_style.make(Settings(sentry.url)), sentry)

    def interrupt() -> None:
        queue.put("interrupted")
        raise KeyboardInterrupt

    async def main() -> None:
        asyncio.get_running_loop().call_soon(interrupt)
        await asyncio.sleep(PATIENCE)

    with pytest.raises(KeyboardInterrupt):
        asyncio_style.run(main)
    assert messages(sentry) == ["interrupted"]


def test_a_test_case_with_a_loop_of_its_own_delivers(
    on_any_loop: Callable[[Settings], AnyTransport], sentry: LocalSentry
) -> None:
    transport = on_any_loop(Settings(sentry.url))
    queue = Queue(transport, sentry)

    class Case(unittest.IsolatedAsyncioTestCase):
        async def asyncTearDown(self) -> None:
            # Python 3.10 closes this loop without `shutdown_asyncgens` unless some task is left.
            self.left = asyncio.ensure_future(asyncio.sleep(PATIENCE))

        async def test_one(self) -> None:
            queue.put("one")

        async def test_two(self) -> None:
            queue.put("two")

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert result.wasSuccessful()
    assert messages(sentry) == ["one", "two"]


def never() -> None:
    raise AssertionError("a turn ran that should not have")
