"""Flushing, waiting and closing: in every style, blocking and awaited, on a loop and off, whatever the server does."""

from __future__ import annotations

import asyncio
import inspect
import socket
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest

from asyncsentry.client import Client
from asyncsentry.testing import Answer, Hang, LocalSentry
from asyncsentry.transport.protocol import Turn
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.threaded import ThreadedTransport

STYLES = ["urllib", "threaded", "asyncio", "auto", *(["aiohttp"] if find_spec("aiohttp") else [])]
LONG = 20.0
"""Seconds after which what still waits has found a bug."""

AnyClient = Client[Any]


@pytest.fixture(params=STYLES)
def style(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def client_of(sentry: LocalSentry, style: str, **options: Any) -> Iterator[AnyClient]:
    client: AnyClient = Client(sentry.dsn_for(style), **options)
    try:
        yield client
    finally:
        client.close(0.0)


async def given(waiting: object) -> object:
    """What waiting gives, awaited in the styles where it is awaited."""
    return await waiting if inspect.isawaitable(waiting) else waiting


def messages(sentry: LocalSentry) -> list[str]:
    return sorted(event["logentry"]["formatted"] for event in sentry.events)


# A server that takes what it is sent


async def flush(client: AnyClient) -> object:
    return client.flush(LONG)


async def flush_async(client: AnyClient) -> object:
    return await client.flush_async(LONG)


async def wait(client: AnyClient) -> object:
    return await given(client.wait(LONG))


async def close(client: AnyClient) -> object:
    client.close(LONG)
    return not client.active


async def close_async(client: AnyClient) -> object:
    await client.close_async(LONG)
    return not client.active


WAYS = [flush, flush_async, wait, close, close_async]


@pytest.mark.parametrize("deliver", WAYS, ids=lambda way: way.__name__)
def test_on_a_loop_all_that_was_captured_there_is_delivered(
    deliver: Callable[[AnyClient], Awaitable[object]], style: str, sentry: LocalSentry
) -> None:
    with client_of(sentry, style) as client:

        async def main() -> None:
            for number in range(5):
                client.capture_message(str(number))
                await asyncio.sleep(0)
            assert await deliver(client)
            assert messages(sentry) == list("01234")

        asyncio.run(main(), debug=True)
        assert client.losses == {}


@pytest.mark.parametrize("deliver", [AnyClient.flush, AnyClient.close], ids=["flush", "close"])
def test_off_a_loop_all_that_was_captured_is_delivered(
    deliver: Callable[[AnyClient, float], object], style: str, sentry: LocalSentry
) -> None:
    with client_of(sentry, style) as client:
        for number in range(5):
            client.capture_message(str(number))
        assert deliver(client, LONG) in (True, None)
        assert messages(sentry) == list("01234")
        assert client.losses == {}


@pytest.mark.parametrize("deliver", [flush_async, close_async], ids=lambda way: way.__name__)
def test_what_was_captured_off_a_loop_is_awaited_on_one(
    deliver: Callable[[AnyClient], Awaitable[object]], style: str, sentry: LocalSentry
) -> None:
    with client_of(sentry, style) as client:
        client.capture_message("before the loop")
        assert asyncio.run(given(deliver(client)), debug=True)
        assert messages(sentry) == ["before the loop"]


def test_a_client_goes_from_loop_to_loop_and_to_none(style: str, sentry: LocalSentry) -> None:
    async def main(client: AnyClient, message: str) -> None:
        client.capture_message(message)
        assert await client.flush_async(LONG)

    with client_of(sentry, style) as client:
        client.capture_message("a")
        assert client.flush(LONG)
        for message in "bc":
            asyncio.run(main(client, message), debug=True)
        client.capture_message("d")
        assert client.flush(LONG)
        assert messages(sentry) == list("abcd")


@pytest.mark.parametrize("how", [flush, flush_async, wait], ids=lambda way: way.__name__)
def test_where_nothing_waits_there_is_nothing_to_wait_for(
    how: Callable[[AnyClient], Awaitable[object]], style: str, sentry: LocalSentry
) -> None:
    with client_of(sentry, style) as client:
        assert asyncio.run(given(how(client)), debug=True)
    assert sentry.requests == ()


# A server that does not


def in_time(client: AnyClient, how: str) -> bool:
    """Flush for a short while, and see that it took no longer."""
    began = time.monotonic()
    if how == "flush":
        done = client.flush(0.3)
    else:

        async def main() -> bool:
            client.capture_message("on the loop")
            return await client.flush_async(0.3)

        done = asyncio.run(main(), debug=True)
    assert time.monotonic() - began < LONG / 2
    return done


@pytest.mark.parametrize("how", ["flush", "flush_async"])
@pytest.mark.parametrize("style", [style for style in STYLES if style != "urllib"])
def test_a_server_that_hangs_is_not_waited_for(how: str, style: str, sentry: LocalSentry) -> None:
    sentry.always(Hang())
    with client_of(sentry, style, timeout=LONG, shutdown_timeout=0.2) as client:
        client.capture_message("in vain")
        assert not in_time(client, how)
    assert set(client.losses) == {("network_error", "error")}


def test_with_urllib_a_capture_waits_as_long_as_one_request_may_take(sentry: LocalSentry) -> None:
    sentry.always(Hang())
    with client_of(sentry, "urllib", timeout=0.2, shutdown_timeout=0.2) as client:
        client.capture_message("in vain")
        assert len(sentry.requests) == 1
        assert not in_time(client, "flush")


@pytest.mark.parametrize("how", ["flush", "flush_async"])
def test_a_server_that_is_not_there_is_not_waited_for(how: str, style: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dsn = f"{style}+http://{'a' * 32}@127.0.0.1:{taken.getsockname()[1]}/1"
        client: AnyClient = Client(dsn, shutdown_timeout=0.2)
        client.capture_message("in vain")
        assert not in_time(client, how)
        client.close(0.1)
    assert set(client.losses) == {("network_error", "error")}


@pytest.mark.parametrize("deliver", [flush, flush_async, wait], ids=lambda way: way.__name__)
def test_what_a_server_refuses_is_settled(
    deliver: Callable[[AnyClient], Awaitable[object]], style: str, sentry: LocalSentry
) -> None:
    sentry.answer(Answer(400))
    with client_of(sentry, style) as client:

        async def main() -> None:
            client.capture_message("refused")
            assert await deliver(client)

        asyncio.run(main(), debug=True)
        assert client.losses[("send_error", "error")] == 1


@pytest.mark.parametrize("deliver", [flush, flush_async, close_async], ids=lambda way: way.__name__)
def test_a_server_error_is_tried_again_or_counted(
    deliver: Callable[[AnyClient], Awaitable[object]], style: str, sentry: LocalSentry
) -> None:
    sentry.answer(Answer(503), Answer(503))
    with client_of(sentry, style) as client:

        async def main() -> None:
            client.capture_message("text")
            assert await deliver(client)

        asyncio.run(main(), debug=True)
        lost = sum(count for (_, category), count in client.losses.items() if category == "error")
        assert len(sentry.events) + lost == 1


# Cancelled, and in odd places


def test_a_cancelled_close_ends_the_transport_and_counts(style: str, sentry: LocalSentry) -> None:
    if style == "urllib":
        sentry.answer(Answer(503))  # nothing is in flight when its capture returns
    else:
        sentry.always(Hang())
    with client_of(sentry, style, timeout=LONG) as client:

        async def main() -> None:
            client.capture_message("text")
            closing = asyncio.create_task(client.close_async(LONG))
            await asyncio.wait([closing], timeout=0.3)
            closing.cancel()
            await asyncio.gather(closing, return_exceptions=True)

        asyncio.run(main(), debug=True)
    assert sum(client.losses.values()) + len(sentry.events) == 1


@pytest.mark.parametrize("style", [style for style in STYLES if style != "urllib"])
def test_a_loop_goes_on_while_a_flush_is_awaited(style: str, sentry: LocalSentry) -> None:
    sentry.always(Answer(delay=0.3))
    steps: list[int] = []

    async def work() -> None:
        for step in range(1000):
            steps.append(step)
            await asyncio.sleep(0.005)

    with client_of(sentry, style) as client:

        async def main() -> None:
            client.capture_message("text")
            working = asyncio.create_task(work())
            assert await client.flush_async(LONG)
            working.cancel()

        asyncio.run(main(), debug=True)
    assert len(steps) > 5, "the loop was held up"


class Elsewhere(ThreadedTransport):
    """Has nowhere to run a turn: what it is given is left to the last resort."""

    def later(self, delay: float, turn: Turn, /) -> bool:
        return False


class Broken(ThreadedTransport):
    """Fails in every verb."""

    def later(self, delay: float, turn: Turn, /) -> bool:
        raise RuntimeError

    def close(self, *_: object) -> bool:
        raise RuntimeError


@pytest.mark.parametrize("factory", [Elsewhere, Broken])
@pytest.mark.parametrize("deliver", [flush, flush_async, close, close_async], ids=lambda way: way.__name__)
def test_what_no_transport_runs_is_sent_by_the_last_resort(
    deliver: Callable[[AnyClient], Awaitable[object]], factory: Callable[[Settings], Any], sentry: LocalSentry
) -> None:
    client: AnyClient = Client(sentry.dsn, transport=factory)
    client.capture_message("text")
    assert asyncio.run(given(deliver(client)), debug=True)
    assert messages(sentry) == ["text"]
    client.close(0)


class OfAnotherStyle:
    """An awaitable that asyncio knows nothing of, such as trio's or a `Deferred`."""

    def __await__(self) -> Generator[object, None, bool]:
        yield self
        return True


class ClosingElsewhere(ThreadedTransport):
    def close(self, idle: Any, timeout: float, /) -> Any:
        super().close(idle, timeout)
        return OfAnotherStyle()


def test_a_transport_of_another_style_is_closed_on_asyncio_all_the_same(sentry: LocalSentry) -> None:
    client: AnyClient = Client(sentry.dsn, transport=ClosingElsewhere)

    async def main() -> None:
        client.capture_message("text")
        await client.close_async(LONG)

    asyncio.run(main(), debug=True)
    assert messages(sentry) == ["text"]
    assert not client.active
