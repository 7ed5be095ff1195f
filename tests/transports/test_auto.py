"""The default: which style each turn goes to."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import Future

import pytest

from asyncsentry.testing import LocalSentry
from asyncsentry.transport.protocol import Response
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.auto import AutoTransport
from transports.style import PATIENCE, Traffic, done, event_request

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
