"""What every transport promises, one function each, against a real server."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from typing import Any, Final

from asyncsentry.testing.answers import Answer, Hang
from asyncsentry.testing.bench import Bench
from asyncsentry.testing.habitats import PATIENCE
from asyncsentry.testing.server import LocalSentry
from asyncsentry.transport.protocol import NoResponse, Request, Response
from asyncsentry.transport.settings import Settings

MOMENT: Final = 0.3
"""Seconds in which something shows that should not happen."""

LIMIT: Final = {"X-Sentry-Rate-Limits": "60:error:organization"}


def what_is_captured_arrives_once(bench: Bench) -> None:
    client = bench.client()
    messages = [f"message {number}" for number in range(20)]
    with bench.habitat:
        bench.capture(client, *messages)
        assert sorted(bench.arrived(20)) == sorted(messages)
        bench.settle(client)
    assert len(bench.sentry.events) == 20, "something was sent twice"


def what_is_captured_last_arrives(bench: Bench) -> None:
    """A habitat that ends right after the capture delivers it, or leaves it for a blocking flush."""
    client = bench.client()
    with bench.habitat:
        bench.capture(client, "the last")
    assert client.flush(PATIENCE)
    assert bench.arrived(1) == ["the last"]


def a_second_life_delivers_too(bench: Bench) -> None:
    """A loop, hub or reactor that has ended is replaced by the next."""
    client = bench.client()
    for life in range(3):
        with bench.habitat:
            bench.capture(client, f"in life {life}")
            bench.arrived(life + 1)
    assert bench.arrived(3) == ["in life 0", "in life 1", "in life 2"]


def other_threads_capture(bench: Bench) -> None:
    client = bench.client()
    with bench.habitat:
        bench.capture(client, "at home")
        bench.arrived(1)
        threads = [threading.Thread(target=client.capture_message, args=(f"from {n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert sorted(bench.arrived(9)) == ["at home", *(f"from {n}" for n in range(8))]


def finalizers_capture(bench: Bench) -> None:
    client = bench.client()

    class Last:
        def __del__(self) -> None:
            client.capture_message("from a finalizer")

    def drop() -> None:
        cycle: list[Any] = [Last()]
        cycle.append(cycle)
        del cycle
        gc.collect()

    with bench.habitat:
        bench.habitat.call(drop)
        assert bench.arrived(1) == ["from a finalizer"]


def signal_handlers_capture(bench: Bench) -> None:
    """In the main thread, where handlers run; elsewhere the promise cannot be tried."""
    if threading.current_thread() is not threading.main_thread():
        return
    client = bench.client()
    before = signal.signal(signal.SIGUSR1, lambda *_: client.capture_message("from a handler"))
    try:
        with bench.habitat:
            bench.capture(client, "at home")
            signal.raise_signal(signal.SIGUSR1)
            assert sorted(bench.arrived(2)) == ["at home", "from a handler"]
    finally:
        signal.signal(signal.SIGUSR1, before)


def a_hanging_server_is_not_waited_for(bench: Bench) -> None:
    """Captures return while the server holds their requests, of which there are no more than were allowed."""
    if bench.waits:
        return
    bench.sentry.always(Hang())
    client = bench.client(timeout=10 * PATIENCE, max_in_flight=3)
    with bench.habitat:
        bench.capture(client, *map(str, range(10)))
        bench.sentry.wait_for(lambda: bench.sentry.requests, PATIENCE)
        with suppress(TimeoutError):
            bench.sentry.wait_for(lambda: len(bench.sentry.requests) > 3, MOMENT)
        assert len(bench.sentry.requests) <= 3
        assert not bench.habitat.call(lambda: client.flush(0.2))
        bench.habitat.call(lambda: client.close(0.1))


def a_time_out_is_tried_again(bench: Bench) -> None:
    bench.sentry.answer(Hang())
    client = bench.client(timeout=0.3)
    with bench.habitat:
        bench.capture(client, "late")
        if bench.waits:  # it has no timers: that comes with the next capture, or a flush
            bench.settle(client)
        assert bench.arrived(1) == ["late"]


def an_idle_connection_that_was_closed_costs_nothing(bench: Bench) -> None:
    client = bench.client()
    with bench.habitat:
        for number in range(3):
            bench.capture(client, str(number))
            bench.settle(client)
            bench.sentry.drop_connections()
        assert bench.arrived(3) == ["0", "1", "2"]
    assert len(bench.sentry.requests) == 3


def connections_are_reused(bench: Bench) -> None:
    """Or, where the style is said to open one for each request, are not: what is said is true."""
    client = bench.client()
    with bench.habitat:
        for number in range(5):
            bench.capture(client, str(number))
            bench.settle(client)
    assert (bench.sentry.connections < 5) == bench.reuses, f"{bench.sentry.connections} connections for 5 requests"


def a_limit_stops_what_comes_next(bench: Bench) -> None:
    bench.sentry.answer(Answer(429, LIMIT))
    client = bench.client()
    with bench.habitat:
        bench.capture(client, "refused")
        bench.settle(client)
        bench.capture(client, "held back")
        assert client.losses == {("ratelimit_backoff", "error"): 1}
    assert not bench.sentry.events


def a_refusal_is_counted_and_not_repeated(bench: Bench) -> None:
    bench.sentry.answer(Answer(413), Answer(500), Answer(400))
    client = bench.client(send_client_reports=False)
    with bench.habitat:
        for number in range(3):
            bench.capture(client, str(number))
            bench.settle(client)
        bench.capture(client, "taken")
        assert bench.arrived(1) == ["taken"]
    assert client.losses == {("send_error", "error"): 3}
    assert len(bench.sentry.requests) == 4


def an_overloaded_server_is_asked_again(bench: Bench) -> None:
    bench.sentry.answer(Answer(503))
    client = bench.client()
    with bench.habitat:
        bench.capture(client, "patient")
        assert bench.arrived(1) == ["patient"]
    assert len(bench.sentry.requests) == 2


def redirects_are_not_followed(bench: Bench) -> None:
    with LocalSentry() as elsewhere:
        bench.sentry.answer(Answer(307, {"Location": elsewhere.url}))
        client = bench.client(send_client_reports=False)
        with bench.habitat:
            bench.capture(client, "stay")
            bench.settle(client)
        assert not elsewhere.requests
    assert client.losses == {("send_error", "error"): 1}


def two_clients_share_nothing(bench: Bench) -> None:
    with LocalSentry() as other:
        bench.sentry.answer(Answer(429, LIMIT))
        limited, free = bench.client(), bench.client(other)
        with bench.habitat:
            bench.capture(limited, "refused")
            bench.settle(limited)
            bench.capture(free, "free")
            other.wait_for_events(1, PATIENCE)
        assert not free.losses


def waiting_ends(bench: Bench) -> None:
    """``wait`` gives True when all is delivered, and False after its time."""
    client = bench.client(timeout=10 * PATIENCE)
    with bench.habitat:
        bench.capture(client, "quick")
        assert bench.habitat.outcome(lambda: client.wait(PATIENCE)) is True
        if not bench.waits:
            bench.sentry.always(Hang())
            bench.capture(client, "stuck")
            assert bench.habitat.outcome(lambda: client.wait(0.1)) is False
        bench.habitat.call(lambda: client.close(0.0))


def a_flush_at_home_delivers(bench: Bench) -> None:
    """Blocking the very thread that the transport needs, a flush still delivers."""
    client = bench.client()

    def capture_and_flush() -> bool:
        client.capture_message("before the flush")
        return client.flush(PATIENCE)

    with bench.habitat:
        assert bench.habitat.call(capture_and_flush)
        assert bench.arrived(1) == ["before the flush"]


def closing_leaves_nothing(bench: Bench) -> None:
    threads_before = set(threading.enumerate())

    def left() -> list[threading.Thread]:
        since = set(threading.enumerate()) - threads_before
        return [thread for thread in since if not thread.name.startswith("sentry-")]

    client = bench.client()
    with bench.habitat:
        bench.capture(client, "the only")
        bench.settle(client)
        bench.habitat.call(lambda: client.close(PATIENCE))
        bench.habitat.call(lambda: client.capture_message("too late"))
    bench.sentry.wait_for(lambda: not bench.sentry.open_connections, PATIENCE)
    with suppress(TimeoutError):  # one that was told to end has not always had the time
        bench.sentry.wait_for(lambda: not left(), PATIENCE)
    assert not left(), f"these threads are left: {left()}"
    assert bench.arrived(1) == ["the only"]


def each_send_settles_once(bench: Bench) -> None:
    """Whatever becomes of it: an answer, a time-out, a refusal to connect, the transport's end."""
    outcomes: list[Response | NoResponse] = []
    idle: Future[None] = Future()
    with LocalSentry() as gone:
        nowhere = gone.url
    for url, reply in ((bench.sentry.url, Answer(200)), (bench.sentry.url, Hang()), (nowhere, Answer(200))):
        bench.sentry.answer(reply)
        settled = threading.Event()

        def settle(outcome: Response | NoResponse, settled: threading.Event = settled) -> None:
            outcomes.append(outcome)
            settled.set()

        transport = bench.factory(Settings(url, timeout=0.3))
        request = Request(url, {"X-Sentry-Auth": "none"}, b"{}\n")
        with bench.habitat:
            assert bench.habitat.call(
                lambda transport=transport, request=request, settle=settle: transport.later(  # type: ignore[misc]
                    0.0, lambda: transport.send(request, settle)
                )
            )
            assert settled.wait(PATIENCE), "a send was never settled"
            bench.habitat.call(lambda transport=transport: transport.close(idle, 0.0))  # type: ignore[misc]
    answered, hung, refused = outcomes
    assert isinstance(answered, Response)
    assert isinstance(hung, NoResponse)
    assert hung.sent
    assert isinstance(refused, NoResponse)
    assert not refused.sent


PROMISES: Final[tuple[Callable[[Bench], None], ...]] = (
    what_is_captured_arrives_once,
    what_is_captured_last_arrives,
    a_second_life_delivers_too,
    other_threads_capture,
    finalizers_capture,
    signal_handlers_capture,
    a_hanging_server_is_not_waited_for,
    a_time_out_is_tried_again,
    an_idle_connection_that_was_closed_costs_nothing,
    connections_are_reused,
    a_limit_stops_what_comes_next,
    a_refusal_is_counted_and_not_repeated,
    an_overloaded_server_is_asked_again,
    redirects_are_not_followed,
    two_clients_share_nothing,
    waiting_ends,
    a_flush_at_home_delivers,
    closing_leaves_nothing,
    each_send_settles_once,
)


def keep(promise: Callable[[Bench], None], bench: Bench) -> None:
    """Try one promise, and clear up."""
    with ExitStack() as stack:
        stack.callback(bench.close)
        promise(bench)
