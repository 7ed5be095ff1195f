"""The default: which style each turn goes to."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable
from concurrent.futures import Future

import pytest

from asyncsentry.testing import Answer, Hang, LocalSentry
from asyncsentry.transport.protocol import Cancelled, NoResponse, Response
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.auto import AutoTransport
from transports.style import PATIENCE, Threads, Traffic, done, event_request

SETTINGS = Settings("http://127.0.0.1:9/")


class Turn:
    """Notes the thread that it runs in, and whether a loop does."""

    def __init__(self) -> None:
        self.ran: Future[tuple[int, bool]] = Future()

    def __call__(self) -> None:
        self.ran.set_result((threading.get_ident(), asyncio._get_running_loop() is not None))


def test_a_turn_asked_for_on_a_loop_runs_there_and_elsewhere_in_a_thread() -> None:
    transport = AutoTransport(SETTINGS)
    before, inside, beside = Turn(), Turn(), Turn()
    assert transport.later(0.0, before)

    async def main() -> None:
        assert transport.later(0.0, inside)
        assert await asyncio.wait_for(asyncio.wrap_future(inside.ran), PATIENCE) == (threading.get_ident(), True)
        await asyncio.get_running_loop().run_in_executor(None, transport.later, 0.0, beside)

    asyncio.run(main())
    worker, on_loop = before.ran.result(PATIENCE)
    assert worker != threading.get_ident()
    assert not on_loop
    assert beside.ran.result(PATIENCE) == (worker, False)
    _ = transport.close(done(), 0.0)


def test_a_loop_that_has_ended_leaves_its_turns_to_the_thread() -> None:
    transport = AutoTransport(SETTINGS)
    turn = Turn()
    closed = Turn()

    async def main() -> None:
        assert transport.later(0.0, closed)
        await asyncio.wrap_future(closed.ran)
        await asyncio.get_running_loop().shutdown_asyncgens()
        assert transport.later(0.0, turn)

    asyncio.run(main())
    assert turn.ran.result(PATIENCE)[1] is False
    _ = transport.close(done(), 0.0)


@pytest.mark.parametrize(
    "environ",
    [{"AWS_LAMBDA_FUNCTION_NAME": "f"}, {"FUNCTION_TARGET": "f"}, {"GAE_ENV": "standard"}],
    ids=["lambda", "cloud-functions", "app-engine"],
)
def test_where_programs_are_frozen_all_is_sent_before_the_capture_returns(
    environ: dict[str, str], sentry: LocalSentry
) -> None:
    transport = AutoTransport(Settings(sentry.url), environ=environ)
    traffic = Traffic(transport, [event_request(sentry)])
    assert transport.later(0.0, traffic.turn)
    assert isinstance(traffic.outcomes[0], Response)
    assert not transport.later(1.0, traffic.turn)

    async def main() -> None:
        on_loop = Traffic(transport, [event_request(sentry)])
        assert transport.later(0.0, on_loop.turn)
        assert isinstance(on_loop.outcomes[0], Response)
        assert await transport.wait(on_loop.settled, PATIENCE)
        assert await transport.close(on_loop.settled, PATIENCE)

    asyncio.run(main())
    assert len(sentry.events) == 2


# -- closing on a loop what a thread sends, as it was captured off the loop


def test_a_close_on_a_loop_waits_for_what_the_thread_sends(sentry: LocalSentry, threads: Threads) -> None:
    sentry.always(Answer(delay=0.05))
    transport = AutoTransport(Settings(sentry.url))
    traffic = Traffic(transport, [event_request(sentry)] * 3)
    assert transport.later(0.0, traffic.turn)

    async def main() -> None:
        assert await transport.close(traffic.settled, PATIENCE)
        assert threads() == []

    asyncio.run(main())
    assert all(isinstance(outcome, Response) for outcome in traffic.outcomes)
    assert not transport.later(0.0, traffic.turn)
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_a_close_on_a_loop_ends_the_thread_when_its_time_is_over(sentry: LocalSentry, threads: Threads) -> None:
    sentry.always(Hang())
    transport = AutoTransport(Settings(sentry.url, timeout=10 * PATIENCE))
    traffic = Traffic(transport, [event_request(sentry)])
    assert transport.later(0.0, traffic.turn)
    sentry.wait_for(lambda: sentry.requests)

    async def main() -> None:
        assert not await transport.close(traffic.settled, 0.05)
        assert traffic.settled.done()
        assert not transport.later(0.0, traffic.turn)
        assert threads() == []

    asyncio.run(main())
    (outcome,) = traffic.outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, Cancelled)
    assert outcome.sent
    assert not transport.later(0.0, traffic.turn)
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_a_close_whose_loop_ends_before_its_time_ends_the_thread_all_the_same(
    sentry: LocalSentry, threads: Threads
) -> None:
    sentry.always(Hang())
    transport = AutoTransport(Settings(sentry.url, timeout=10 * PATIENCE))
    traffic = Traffic(transport, [event_request(sentry)])
    assert transport.later(0.0, traffic.turn)
    sentry.wait_for(lambda: sentry.requests)

    async def main() -> None:
        _ = transport.close(traffic.settled, 0.2)

    asyncio.run(main())
    traffic.settled.result(PATIENCE)
    assert isinstance(traffic.outcomes[0], NoResponse)
    for thread in threads():
        thread.join(PATIENCE)
    assert not transport.later(0.0, traffic.turn)


def test_a_thread_that_is_slow_to_end_does_not_stop_the_loop(threads: Threads) -> None:
    """It may be looking up a name, which nothing can interrupt."""
    transport = AutoTransport(SETTINGS)
    inside, leave = threading.Event(), threading.Event()

    def turn() -> None:
        inside.set()
        leave.wait(PATIENCE)

    assert transport.later(0.0, turn)
    inside.wait(PATIENCE)

    async def main() -> None:
        closing = asyncio.ensure_future(_awaited(transport.close(done(), 0.0)))
        # The thread ends only if the loop goes on meanwhile, and before the close gives it up.
        asyncio.get_running_loop().call_later(0.05, leave.set)
        before = time.monotonic()
        assert await closing
        assert time.monotonic() - before < 0.9
        assert threads() == []

    asyncio.run(main())


async def _awaited(waiting: Awaitable[bool]) -> bool:
    return await waiting


CLOSED_WITHOUT_THREADS = """
import asyncio, sys, threading
from concurrent.futures import Future
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.auto import AutoTransport

transport = AutoTransport(Settings("http://127.0.0.1:9/"))
ran = threading.Event()
transport.later(0.0, ran.set)
ran.wait(20)
threading.stack_size(2**46)  # no thread can be started from here on

async def main():
    print(await transport.close(Future(), 0.1), transport.later(0.0, ran.set))
    print([thread.name for thread in threading.enumerate()])

asyncio.run(main())
"""


def test_where_no_thread_can_be_started_any_more_a_close_on_a_loop_ends_the_thread() -> None:
    result = subprocess.run([sys.executable, "-c", CLOSED_WITHOUT_THREADS], capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    assert result.stdout.splitlines() == ["False False", "['MainThread']"]


WITHOUT_ASYNCIO = """
import sys
from concurrent.futures import Future
from asyncsentry.transport.protocol import Request
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.auto import AutoTransport

url = sys.argv[1]
transport = AutoTransport(Settings(url))
settled = Future()
transport.later(0.0, lambda: transport.send(Request(url, {}, b"{}"), lambda outcome: settled.set_result(outcome)))
print(settled.result(20).status)
transport.close(settled, 5.0)
assert "asyncio" not in sys.modules
"""


def test_a_program_without_asyncio_does_not_import_it(sentry: LocalSentry) -> None:
    command = [sys.executable, "-c", WITHOUT_ASYNCIO, sentry.url]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    assert result.stdout.strip() == "401"


IMPORTED_LATE = """
import sys
from concurrent.futures import Future
from asyncsentry.transport.protocol import Request
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.auto import AutoTransport

url = sys.argv[1]
transport = AutoTransport(Settings(url))
import asyncio

async def main():
    settled = Future()
    transport.later(0.0, lambda: transport.send(Request(url, {}, b"{}"), lambda outcome: settled.set_result(outcome)))
    print(await transport.wait(settled, 20), settled.result(0).status)

asyncio.run(main())
"""


def test_asyncio_may_be_imported_after_the_transport_was_made(sentry: LocalSentry) -> None:
    command = [sys.executable, "-c", IMPORTED_LATE, sentry.url]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    assert result.stdout.split() == ["True", "401"]
