"""trio's runs: how they begin and end, an application's nursery, and what is trio's own."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from ast import literal_eval
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import trio
import trio.testing
import trustme

from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.testing import Answer, Hang, LocalSentry
from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Response
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._trio_line import connect
from asyncsentry_transports.trio import TrioTransport
from testing.client import AUTH
from transports.places.trio_run import Run, run_alone, run_as_guest, tasks
from transports.scripted import answer, read_request, scripted
from transports.style import PATIENCE, Traffic, done, event_request

ROOT = Path(__file__).parents[2]
NOWHERE = Settings("http://127.0.0.1:9/")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
SURPRISE = b"HTTP/1.1 500 Surprise\r\nContent-Length: 0\r\n\r\n"

Made: TypeAlias = Client[Any]
until = Run(run_alone).until


@pytest.fixture
def make(sentry: LocalSentry) -> Iterator[Callable[..., Made]]:
    made: list[Made] = []

    def make(transport: Any = TrioTransport, **options: Any) -> Made:
        made.append(Client(sentry.dsn, transport=transport, **options))
        return made[-1]

    yield make
    for client in made:
        client.close(0.0)
    gc.collect()  # so that what was left open complains here


def titles(sentry: LocalSentry) -> list[str]:
    return [event["logentry"]["formatted"] for event in sentry.events]


def never() -> None:
    raise AssertionError("a turn ran that should not have")


# -- the end of a run


@pytest.mark.parametrize("run", [run_alone, run_as_guest])
def test_what_the_last_statement_of_main_captured_arrives(
    sentry: LocalSentry, make: Callable[..., Made], run: Callable[[Any], None]
) -> None:
    """Also if it is the first: whether the system's nursery still is open then is trio's secret."""
    for number in range(10):
        client = make()

        async def main(client: Made = client, number: int = number) -> None:
            for letter in "abc":
                client.capture_message(f"{number}{letter}")

        run(main)
        assert len(sentry.events) == 3 * (number + 1)
    assert sorted(titles(sentry)) == [f"{number}{letter}" for number in range(10) for letter in "abc"]
    sentry.wait_for(lambda: sentry.open_connections == 0)


@pytest.mark.parametrize("run", [run_alone, run_as_guest])
def test_a_run_does_not_end_before_the_turns_that_turns_ask_for(
    sentry: LocalSentry, run: Callable[[Any], None]
) -> None:
    transport = TrioTransport(Settings(sentry.url))
    traffic = Traffic(transport, [event_request(sentry)])
    left = list(range(5))

    def turn() -> None:
        if left:
            left.pop()
            assert transport.later(0.0, turn)
        else:
            traffic.turn()

    async def main() -> None:
        bound = trio.Event()
        assert transport.later(0.0, bound.set)
        await bound.wait()
        assert transport.later(0.0, turn)

    run(main)
    (answered,) = traffic.outcomes
    assert isinstance(answered, Response)


def test_it_arrives_when_main_raises_too(sentry: LocalSentry, make: Callable[..., Made]) -> None:
    client = make()

    async def main() -> None:
        client.capture_message("the crash")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trio.run(main)
    assert titles(sentry) == ["the crash"]


def test_a_slow_server_is_waited_for_but_not_a_dead_one(sentry: LocalSentry) -> None:
    sentry.answer(Answer(delay=0.3), Hang())
    transport = TrioTransport(Settings(sentry.url, timeout=PATIENCE, shutdown_timeout=1.6))
    traffic = Traffic(transport, [event_request(sentry)] * 2, eager=True)

    async def main() -> None:
        assert transport.later(0.0, traffic.turn)

    trio.run(main)
    answered, cancelled = traffic.outcomes
    assert isinstance(answered, Response)
    assert isinstance(cancelled, NoResponse)
    assert isinstance(cancelled.error, Cancelled)
    assert 0 < cancelled.error.waited < 1.19  # of 1.2: the answer came in between
    assert cancelled.sent


def test_what_an_asynchronous_generator_captures_in_the_end_arrives(
    sentry: LocalSentry, make: Callable[..., Made]
) -> None:
    """trio closes the generators when all system tasks have ended; the first capture of a run may come from one."""
    client = make()

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            client.capture_message("the first and the last")
            with trio.CancelScope(shield=True):
                await trio.sleep(0.05)
            client.capture_message("and one more")

    left = numbers()

    async def main() -> None:
        await left.__anext__()

    trio.run(main)
    assert sorted(titles(sentry)) == ["and one more", "the first and the last"]


def test_what_comes_too_late_for_a_run_is_left_for_a_flush(sentry: LocalSentry, make: Callable[..., Made]) -> None:
    client = make()

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            client.capture_message("too late")

    left = numbers()

    async def main() -> None:
        await left.__anext__()

    trio.run(main)
    assert client.flush(PATIENCE)
    assert titles(sentry) == ["too late"]


def test_one_transport_outlives_many_runs(sentry: LocalSentry) -> None:
    transport = TrioTransport(Settings(sentry.url))
    for number in range(3):

        async def main(number: int = number) -> None:
            traffic = Traffic(transport, [event_request(sentry, f"run {number}")])
            assert transport.later(0.0, traffic.turn)
            assert await transport.wait(traffic.settled, PATIENCE)

        trio.run(main)
        assert not transport.later(0.0, never)
    assert [event["message"] for event in sentry.events] == ["run 0", "run 1", "run 2"]


def test_without_a_run_there_is_nowhere_to_run() -> None:
    transport = TrioTransport(NOWHERE)
    assert not transport.later(0.0, never)
    assert not transport.later(1.0, never)


def test_a_timer_keeps_no_run_alive_unless_it_is_about_to_come() -> None:
    transport = TrioTransport(NOWHERE)
    ran = list[str]()

    async def main() -> None:
        assert transport.later(10 * PATIENCE, never)
        assert transport.later(1.0, never)
        assert transport.later(0.01, partial(ran.append, "soon"))

    trio.run(main)
    assert ran == ["soon"]


# trio's own fault: it leaves the tasks of such a run to the garbage collector, where no `with` of theirs can end well.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_run_that_breaks_down_is_noticed_by_the_next(sentry: LocalSentry) -> None:
    sentry.answer(Hang())

    class Clock(trio.abc.Clock):
        broken = False

        def start_clock(self) -> None:
            pass

        def current_time(self) -> float:
            return 0.0

        def deadline_to_sleep_time(self, deadline: float) -> float:
            assert not self.broken
            return 0.01

    clock = Clock()
    transport = TrioTransport(Settings(sentry.url))
    traffic = Traffic(transport, [event_request(sentry)])

    async def break_down() -> None:
        assert transport.later(0.0, traffic.turn)
        await trio.to_thread.run_sync(sentry.wait_for, lambda: sentry.requests)
        clock.broken = True
        await trio.sleep(1)

    with pytest.raises(trio.TrioInternalError):
        trio.run(break_down, clock=clock)
    assert not transport.later(0.0, never)
    (outcome,) = traffic.outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, Cancelled)

    async def go_on() -> None:
        again = Traffic(transport, [event_request(sentry)])
        assert transport.later(0.0, again.turn)
        assert await transport.close(again.settled, PATIENCE)

    trio.run(go_on)
    assert len(sentry.events) == 1
    gc.collect()


# -- several runs, and none


def test_two_runs_in_two_threads_each_send_their_own(sentry: LocalSentry) -> None:
    transport = TrioTransport(Settings(sentry.url))
    barrier = threading.Barrier(2)
    homes: list[tuple[str, int]] = []

    def live(name: str) -> None:
        async def main() -> None:
            for number in range(5):
                barrier.wait(PATIENCE)
                traffic = Traffic(transport, [event_request(sentry, f"{name} {number}")])

                def turn(traffic: Traffic = traffic) -> None:
                    homes.append((name, threading.get_ident()))
                    traffic.turn()

                assert transport.later(0.0, turn)
                await until(traffic.settled, PATIENCE)

        trio.run(main)

    workers = [threading.Thread(target=live, args=(name,)) for name in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE)
    assert sorted(event["message"] for event in sentry.events) == [f"{name} {n}" for name in "ab" for n in range(5)]
    assert len(homes) == 10
    assert len(set(homes)) == 2


def test_a_thread_without_a_run_uses_one_that_is_bound(sentry: LocalSentry, make: Callable[..., Made]) -> None:
    client = make()

    async def main() -> None:
        client.capture_message("bound")
        assert await client.wait(PATIENCE)
        await trio.to_thread.run_sync(client.capture_message, "from a thread")
        assert await client.wait(PATIENCE)

    trio.run(main)
    assert titles(sentry) == ["bound", "from a thread"]


def test_what_the_host_of_a_guest_captures_is_sent_in_the_guest(sentry: LocalSentry, make: Callable[..., Made]) -> None:
    client = make()

    async def guest() -> None:
        asyncio.get_running_loop().call_soon(client.capture_message, "from the host")
        await trio.to_thread.run_sync(sentry.wait_for_events, 1)

    run_as_guest(guest)
    assert titles(sentry) == ["from the host"]


# -- an application's nursery


def test_requests_are_tasks_of_the_nursery_that_was_given_which_waits_for_them(sentry: LocalSentry) -> None:
    sentry.always(Answer(delay=0.2))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            transport = TrioTransport(Settings(sentry.url), nursery=nursery)
            traffic = Traffic(transport, [event_request(sentry)])
            assert transport.later(10 * PATIENCE, never)  # keeps nothing open
            assert transport.later(0.0, traffic.turn)
            await trio.to_thread.run_sync(sentry.wait_for, lambda: sentry.requests)
            assert len(nursery.child_tasks) == 1
            assert not traffic.settled.done()
        assert isinstance(traffic.outcomes[0], Response)

        late = Traffic(transport, [event_request(sentry)])
        assert transport.later(0.0, late.turn)
        await until(late.settled, PATIENCE)
        assert isinstance(late.outcomes[0], NoResponse)
        assert isinstance(late.outcomes[0].error, Cancelled)
        assert not late.outcomes[0].sent
        assert not transport.later(0.0, never)

    trio.run(main)
    assert len(sentry.events) == 1
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_who_cancels_the_nursery_cancels_what_is_sent_in_it(sentry: LocalSentry, make: Callable[..., Made]) -> None:
    sentry.answer(Hang())
    clients: list[Made] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            client = make(partial(TrioTransport, nursery=nursery), timeout=PATIENCE)
            clients.append(client)
            client.capture_message("cut off")
            await trio.to_thread.run_sync(sentry.wait_for, lambda: sentry.requests)
            nursery.cancel_scope.cancel()
        assert client.transport is not None
        assert not client.transport.later(0.0, never)

    trio.run(main)
    assert sentry.events == ()
    assert clients[0].flush(PATIENCE)
    assert titles(sentry) == ["cut off"]


def test_what_is_captured_elsewhere_is_sent_in_the_nurserys_run(sentry: LocalSentry, make: Callable[..., Made]) -> None:
    made: Future[Made] = Future()
    left = threading.Event()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            made.set_result(make(partial(TrioTransport, nursery=nursery)))
            await trio.to_thread.run_sync(sentry.wait_for_events, 1)
            await trio.to_thread.run_sync(left.wait, PATIENCE)

    async def elsewhere() -> None:
        client = made.result(PATIENCE)
        before = tasks()
        client.capture_message("from another run")
        await trio.to_thread.run_sync(sentry.wait_for_events, 1)
        assert tasks() == before
        left.set()

    home = threading.Thread(target=trio.run, args=(main,))
    home.start()
    trio.run(elsewhere)
    home.join(PATIENCE)
    assert titles(sentry) == ["from another run"]


def test_a_nursery_of_no_run_that_is_here_is_an_error_at_set_up() -> None:
    nurseries: list[trio.Nursery] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nurseries.append(nursery)

    trio.run(main)
    with pytest.raises(OptionError, match="nursery's own run"):
        TrioTransport(NOWHERE, nursery=nurseries[0])


# -- a whole program


def test_the_example_is_a_server_whose_crash_arrives(sentry: LocalSentry) -> None:
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / "trio_program.py"), "0"]
    environ = {**os.environ, "SENTRY_DSN": sentry.dsn}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            _, port = literal_eval(program.stdout.readline())
            for name, greeting in (("you", b"Hello, you!\n"), ("nobody", b"")):
                with socket.create_connection(("127.0.0.1", port), PATIENCE) as connected:
                    connected.sendall(name.encode())
                    assert connected.recv(100) == greeting
            program.wait(PATIENCE)
        finally:
            program.kill()
    assert program.returncode == 1
    crash = sentry.events[-1]
    assert sorted(event["logentry"]["formatted"] for event in sentry.events[:-1]) == ["nobody came", "you came"]
    assert crash["level"] == "fatal"
    assert "LookupError" in [error["type"] for error in crash["exception"]["values"]]


# -- waiting


@pytest.mark.parametrize("verb", ["wait", "close"])
def test_what_waiting_gives_may_be_dropped_or_cancelled(verb: str) -> None:
    async def main() -> None:
        transport, idle = TrioTransport(NOWHERE), Future[None]()
        getattr(transport, verb)(idle, PATIENCE)
        gc.collect()
        with trio.move_on_after(0.01) as scope:
            await getattr(transport, verb)(idle, PATIENCE)
        assert scope.cancelled_caught
        assert not idle.cancelled()
        idle.set_result(None)
        assert await getattr(transport, verb)(idle, PATIENCE)

    trio.run(main)


def test_closing_cuts_off_what_has_not_even_begun(sentry: LocalSentry) -> None:
    sentry.always(Hang())
    outcomes: list[Response | NoResponse] = []

    async def main() -> None:
        transport = TrioTransport(Settings(sentry.url, timeout=10 * PATIENCE))
        traffic = Traffic(transport, [event_request(sentry)])

        def turn() -> None:
            traffic.turn()
            _ = transport.close(done(), 0.0)

        assert transport.later(0.0, turn)
        assert await transport.wait(traffic.settled, PATIENCE)
        outcomes.extend(traffic.outcomes)

    began = time.monotonic()
    for _ in range(20):  # trio shuffles what it runs
        trio.run(main)
    assert time.monotonic() - began < PATIENCE
    assert len(outcomes) == 20
    assert {type(outcome.error) for outcome in outcomes if isinstance(outcome, NoResponse)} == {Cancelled}


def test_closing_from_outside_ends_a_run_that_is_held_up(sentry: LocalSentry) -> None:
    sentry.always(Hang())
    transport = TrioTransport(Settings(sentry.url, timeout=PATIENCE))
    traffic = Traffic(transport, [event_request(sentry)])
    closed = threading.Event()

    async def main() -> None:
        assert transport.later(0.0, traffic.turn)
        await trio.to_thread.run_sync(sentry.wait_for, lambda: sentry.requests)
        held.set()
        closed.wait(PATIENCE)

    async def close() -> None:
        assert await transport.close(done(), 0.0)

    held = threading.Event()
    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    assert held.wait(PATIENCE)
    trio.run(close)
    (outcome,) = traffic.outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, Cancelled)
    closed.set()
    thread.join(PATIENCE)
    sentry.wait_for(lambda: sentry.open_connections == 0)


# -- Ctrl-C, and time


class Interrupting(trio.abc.SocketFactory):
    """Has Ctrl-C come while a task of trio's own connects."""

    def __init__(self) -> None:
        self.interrupted = False

    def socket(self, family: int = -1, type: int = -1, proto: int = -1) -> trio.socket.SocketType:
        if not self.interrupted:
            self.interrupted = True
            signal.raise_signal(signal.SIGINT)
        return trio.socket.from_stdlib_socket(socket.socket(family, type, proto))


def test_ctrl_c_is_mains_wherever_it_comes(sentry: LocalSentry, make: Callable[..., Made]) -> None:
    client = make()

    async def main() -> None:
        trio.socket.set_custom_socket_factory(Interrupting())
        client.capture_message("before Ctrl-C")
        await trio.sleep(PATIENCE)

    with pytest.raises(KeyboardInterrupt):
        trio.run(main)
    assert titles(sentry) == ["before Ctrl-C"]


@pytest.mark.parametrize("clock", [trio.testing.MockClock, partial(trio.testing.MockClock, autojump_threshold=0)])
def test_requests_take_their_time_whatever_a_mock_clock_says(
    sentry: LocalSentry, make: Callable[..., Made], clock: Callable[[], trio.testing.MockClock]
) -> None:
    sentry.answer(Answer(delay=0.2))
    client = make()

    async def main() -> None:
        client.capture_message("at midnight")
        assert await client.wait(PATIENCE)
        client.capture_message("at one")

    trio.run(main, clock=clock())
    assert titles(sentry) == ["at midnight", "at one"]
    assert len(sentry.requests) == 2


@pytest.mark.parametrize("clock", [trio.testing.MockClock, partial(trio.testing.MockClock, autojump_threshold=0)])
def test_a_run_under_a_mock_clock_ends_though_the_server_is_dead(
    sentry: LocalSentry, clock: Callable[[], trio.testing.MockClock]
) -> None:
    sentry.always(Hang())
    out_of_time = TrioTransport(Settings(sentry.url, timeout=0.2))
    cut_off = TrioTransport(Settings(sentry.url, timeout=PATIENCE, shutdown_timeout=0.3))
    one, other = Traffic(out_of_time, [event_request(sentry)]), Traffic(cut_off, [event_request(sentry)])

    async def main() -> None:
        assert out_of_time.later(0.01, one.turn)
        assert cut_off.later(0.01, other.turn)
        assert not await cut_off.wait(other.settled, 0.1)

    trio.run(main, clock=clock())
    errors = [outcome.error for outcome in one.outcomes + other.outcomes if isinstance(outcome, NoResponse)]
    assert [type(error) for error in errors] == [TimeoutError, Cancelled]


# -- the wire


def deliver(settings: Settings, *requests: Request) -> list[Response | NoResponse]:
    transport = TrioTransport(settings)
    traffic = Traffic(transport, requests)

    async def main() -> None:
        assert transport.later(0.0, traffic.turn)
        await until(traffic.settled, PATIENCE)
        await transport.close(done(), 0.0)

    trio.run(main)
    return traffic.outcomes


def test_a_refusal_may_come_before_all_is_written() -> None:
    def refuse(connected: socket.socket) -> None:
        connected.recv(100)
        connected.sendall(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n")
        settled.wait(PATIENCE)

    settled = threading.Event()
    with scripted(refuse) as port:
        url = f"http://127.0.0.1:{port}/"
        (outcome,) = deliver(Settings(url, timeout=PATIENCE), Request(url, AUTH, b"x" * 30_000_000))
        settled.set()
    assert isinstance(outcome, Response)
    assert outcome.status == 413


@contextmanager
def secured(talk: Callable[[socket.socket], None], *talks: Callable[[socket.socket], None]) -> Iterator[Settings]:
    """The settings for a server that speaks TLS."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)

    def secure(talk: Callable[[socket.socket], None], connected: socket.socket) -> None:
        with server.wrap_socket(connected, server_side=True) as shaken:
            talk(shaken)

    with scripted(*(partial(secure, each) for each in (talk, *talks))) as port:
        yield Settings(f"https://127.0.0.1:{port}/", ssl_context=client)


def test_what_came_unasked_with_an_answer_is_not_taken_for_the_next() -> None:
    def babble(connected: socket.socket) -> None:
        read_request(connected)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # so that both come at once
        connected.sendall(OK)
        connected.sendall(SURPRISE)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        with suppress(OSError):
            connected.recv(1)  # the other side hangs up

    with secured(babble, answer(OK)) as settings:
        outcomes = deliver(settings, *[Request(settings.url, AUTH, b"{}")] * 2)
    assert [outcome.status for outcome in outcomes if isinstance(outcome, Response)] == [200, 200]


def test_the_platforms_authorities_are_read_beside_the_run() -> None:
    class Noting(TlsContext):
        def get(self) -> ssl.SSLContext:
            threads.append(threading.get_ident())
            return super().get()

    async def main() -> None:
        settings = Settings(url)
        with pytest.raises(trio.BrokenResourceError):
            await connect(settings, Noting(settings))
        assert threads != [threading.get_ident()]

    threads: list[int] = []
    with secured(answer(OK)) as trusting:
        url = trusting.url
        trio.run(main)
    assert len(threads) == 1


def test_a_connection_by_tls_is_kept() -> None:
    with secured(answer(OK, OK, OK)) as settings:
        outcomes = deliver(settings, *[Request(settings.url, AUTH, b"x" * 200_000)] * 3)
    assert [outcome.status for outcome in outcomes if isinstance(outcome, Response)] == [200, 200, 200]
