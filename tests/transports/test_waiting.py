"""Waiting and closing, in every style."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from concurrent.futures import Future

import pytest

from asyncsentry.testing import Hang, LocalSentry
from asyncsentry.transport.protocol import Cancelled, NoResponse, Response
from asyncsentry.transport.settings import Settings
from transports.style import PATIENCE, Style, Traffic, done, event_request


def test_waiting_ends_when_all_is_idle(style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            traffic = Traffic(transport, [event_request(sentry)] * 2)
            assert transport.later(0.0, traffic.turn)
            assert await style.wait(transport, traffic.settled, PATIENCE)
            assert await style.wait(transport, traffic.settled, 0.0)

    style.run(scenario)
    assert len(sentry.events) == 2


def test_waiting_in_vain_gives_false_within_its_time_and_leaves_the_latch_alone(style: Style) -> None:
    async def scenario() -> None:
        async with style.transport(Settings("http://127.0.0.1:9/")) as transport:
            idle: Future[None] = Future()
            before = time.monotonic()
            assert not await style.wait(transport, idle, 0.05)
            assert time.monotonic() - before < 2.0
            assert not idle.cancelled()
            idle.set_result(None)

    style.run(scenario)


def test_closing_waits_for_what_is_on_its_way(style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        transport = style.make(Settings(sentry.url))
        traffic = Traffic(transport, [event_request(sentry)] * 3)
        assert transport.later(0.0, traffic.turn)
        assert await style.close(transport, traffic.settled, PATIENCE)
        assert all(isinstance(outcome, Response) for outcome in traffic.outcomes)

    style.run(scenario)
    assert len(sentry.events) == 3


def test_closing_settles_what_it_abandons(style: Style, sentry: LocalSentry) -> None:
    sentry.always(Hang())

    async def scenario() -> None:
        transport = style.make(Settings(sentry.url, timeout=PATIENCE))
        traffic = Traffic(transport, [event_request(sentry)])
        assert transport.later(0.0, traffic.turn)
        await style.see(sentry, lambda: sentry.requests)
        assert not await style.close(transport, traffic.settled, 0.05)
        await style.until(traffic.settled)
        (outcome,) = traffic.outcomes
        assert isinstance(outcome, NoResponse)
        assert isinstance(outcome.error, Cancelled)
        assert outcome.sent

    if not style.in_place:  # there nothing is on its way when this thread closes: see test_urllib
        style.run(scenario)


def test_closing_leaves_no_thread_task_timer_or_socket(style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        before = set(_threads())
        transport = style.make(Settings(sentry.url))
        if not style.in_place:
            assert transport.later(PATIENCE, _never)
        traffic = Traffic(transport, [event_request(sentry)] * 4, eager=True)
        assert transport.later(0.0, traffic.turn)
        assert await style.close(transport, traffic.settled, PATIENCE)
        assert set(_threads()) == before
        assert style.place.others() == []
        await style.see(sentry, lambda: sentry.open_connections == 0)
        gc.collect()  # whatever was left open would warn

    style.run(scenario)


def test_closing_twice_does_no_harm(style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        transport = style.make(Settings(sentry.url))
        await style.deliver(transport, event_request(sentry))
        assert await style.close(transport, done(), PATIENCE)
        assert await style.close(transport, done(), 0.0)

    style.run(scenario)


def test_closing_what_never_ran_does_no_harm(style: Style) -> None:
    async def scenario() -> None:
        transport = style.make(Settings("http://127.0.0.1:9/"))
        assert await style.close(transport, done(), PATIENCE)
        assert not await style.close(transport, Future(), 0.01)

    style.run(scenario)


def test_a_send_after_closing_is_settled(style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        transport = style.make(Settings(sentry.url))
        await style.deliver(transport, event_request(sentry))
        await style.close(transport, done(), 0.0)
        late = Traffic(transport, [event_request(sentry)])
        late.turn()
        await style.until(late.settled)
        assert isinstance(late.outcomes[0], NoResponse)

    style.run(scenario)
    assert len(sentry.requests) == 1


def test_a_close_that_nobody_awaits_ends_everything_too(loop_style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        transport = loop_style.make(Settings(sentry.url))
        traffic = Traffic(transport, [event_request(sentry)] * 2)
        assert transport.later(0.0, traffic.turn)
        transport.close(traffic.settled, PATIENCE)
        await loop_style.until(traffic.settled)
        await loop_style.see(sentry, lambda: sentry.open_connections == 0)
        assert not transport.later(0.0, _never)

    loop_style.run(scenario)
    assert len(sentry.events) == 2


def test_a_close_that_is_not_awaited_ends_at_its_time(loop_style: Style, sentry: LocalSentry) -> None:
    sentry.always(Hang())

    async def scenario() -> None:
        transport = loop_style.make(Settings(sentry.url, timeout=PATIENCE))
        traffic = Traffic(transport, [event_request(sentry)])
        assert transport.later(0.0, traffic.turn)
        await loop_style.see(sentry, lambda: sentry.requests)
        transport.close(traffic.settled, 0.01)
        await loop_style.until(traffic.settled)
        assert isinstance(traffic.outcomes[0], NoResponse)

    loop_style.run(scenario)


def test_two_transports_share_nothing(style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as one, style.transport(Settings(sentry.url)) as other:
            await style.deliver(one, event_request(sentry))
            await style.deliver(other, event_request(sentry))
            await style.close(one, done(), 0.0)
            (outcome,) = await style.deliver(other, event_request(sentry))
            assert isinstance(outcome, Response)

    style.run(scenario)
    assert [request.connection for request in sentry.requests] == [1, 2, 2 if style.keeps_connections else 3]


@pytest.mark.parametrize("awaited", [True, False])
def test_a_wait_that_is_cancelled_leaves_the_latch_alone(asyncio_style: Style, awaited: bool) -> None:
    async def scenario() -> None:
        async with asyncio_style.transport(Settings("http://127.0.0.1:9/")) as transport:
            idle: Future[None] = Future()

            async def wait() -> None:
                await transport.wait(idle, PATIENCE)

            task = asyncio.ensure_future(wait())
            if awaited:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not idle.cancelled()
            idle.set_result(None)

    asyncio_style.run(scenario)


def _threads() -> list[threading.Thread]:
    """All but the server's, and those that a loop, a reactor or trio itself keeps for what blocks."""
    others = ("sentry-", "asyncio_", "PoolThread-twisted.internet.reactor-", "Trio thread ")
    return [thread for thread in threading.enumerate() if not thread.name.startswith(others)]


def _never() -> None:
    raise AssertionError("a turn ran that should not have")
