"""What is particular to Twisted: its reactors, its Deferreds, its HTTP client, and TLS that is not its own."""

from __future__ import annotations

import gc
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, formatEvent, globalLogPublisher

from asyncsentry.testing import Answer, Hang, LocalSentry, Reset
from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Response
from asyncsentry.transport.settings import Settings
from hooks.programs import run_program
from testing.client import AUTH
from transports.places.twisted_reactor import STYLES, reactor
from transports.scripted import Talk, answer, read_request, scripted
from transports.style import PATIENCE, Traffic, done, event_request

(STYLE,) = STYLES
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
ROOT = Path(__file__).parents[2]


@contextmanager
def what_twisted_logs() -> Iterator[list[dict[str, Any]]]:
    said: list[dict[str, Any]] = []
    publisher: Any = globalLogPublisher  # Any: it wants one of zope's interfaces
    publisher.addObserver(said.append)
    yield said
    publisher.removeObserver(said.append)


@pytest.fixture(autouse=True)
def nothing_complains() -> Iterator[None]:
    """Twisted logs what nobody handled: a failure in a Deferred that was dropped, an error in what it called."""
    with what_twisted_logs() as said:
        yield
        gc.collect()
    assert [formatEvent(event) for event in said if event["log_level"] >= LogLevel.warn] == []


def outcomes_of(settings: Settings, *bodies: bytes) -> list[Response | NoResponse]:
    outcomes: list[Response | NoResponse] = []

    async def scenario() -> None:
        async with STYLE.transport(settings) as transport:
            outcomes.extend(await STYLE.deliver(transport, *(Request(settings.url, AUTH, body) for body in bodies)))

    STYLE.run(scenario)
    return outcomes


def url_of(port: int, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{port}/api/1/envelope/"


# -- the client


def test_a_request_is_what_it_names_and_nothing_else() -> None:
    heard: list[bytes] = []

    def listen(connected: socket.socket) -> None:
        heard.append(read_request(connected))
        connected.sendall(OK)

    with scripted(listen) as port:
        outcomes_of(Settings(url_of(port)), b"body")
    head, _, body = heard[0].partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    assert first == "POST /api/1/envelope/ HTTP/1.1"
    assert dict(header.split(": ", 1) for header in headers) == {
        "Host": f"127.0.0.1:{port}",
        "Content-Length": "4",
        **AUTH,
    }
    assert body == b"body"


def test_a_delivery_is_not_logged(sentry: LocalSentry) -> None:
    with what_twisted_logs() as said:
        outcomes_of(Settings(sentry.url), b"{}")
    assert {formatEvent(event) for event in said} <= {"Main loop terminated."}


def test_an_answer_before_the_end_of_its_request_counts_and_costs_the_connection() -> None:
    def refuse(connected: socket.socket) -> None:
        connected.recv(1000)
        connected.sendall(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n")
        hung_up = select.poll()
        hung_up.register(connected, 0)
        assert hung_up.poll(PATIENCE * 1000)

    with scripted(refuse, answer(OK)) as port:
        outcomes = outcomes_of(Settings(url_of(port), timeout=PATIENCE), b"x" * 30_000_000, b"small")
    assert [outcome.status for outcome in outcomes if isinstance(outcome, Response)] == [413, 200]


def test_so_does_one_that_ends_with_the_connection() -> None:
    def refuse(connected: socket.socket) -> None:
        connected.recv(1000)
        connected.sendall(b"HTTP/1.1 413 Too large\r\nConnection: close\r\n\r\nno more than ten bytes")
        connected.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while connected.recv(65536):
                pass

    with scripted(refuse) as port:
        (outcome,) = outcomes_of(Settings(url_of(port), timeout=PATIENCE), b"x" * 30_000_000)
    assert isinstance(outcome, Response)
    assert (outcome.status, outcome.body) == (413, b"no more than ten bytes")


@pytest.mark.parametrize(
    ("beginning", "more"),
    [(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n"), (b"", b"HTTP/1.1 102 Processing\r\n\r\n")],
    ids=["headers", "interim answers"],
)
def test_an_answer_without_end_is_given_up(beginning: bytes, more: bytes) -> None:
    def go_on(connected: socket.socket) -> None:
        read_request(connected)
        connected.sendall(beginning)
        while True:
            connected.sendall(more * 1000)

    before = time.monotonic()
    with scripted(go_on) as port:
        (outcome,) = outcomes_of(Settings(url_of(port), timeout=10 * PATIENCE), b"{}")
    assert time.monotonic() - before < PATIENCE
    assert isinstance(outcome, NoResponse)
    assert str(outcome.error) == "the answer is too long"
    assert outcome.sent


def test_a_request_is_repeated_on_a_new_connection_alone(sentry: LocalSentry) -> None:
    """One connection that had died while it was idle says enough of the others."""

    async def scenario() -> None:
        async with STYLE.transport(Settings(sentry.url)) as transport:
            traffic = Traffic(transport, [event_request(sentry)] * 3, eager=True)
            assert transport.later(0.0, traffic.turn)
            await STYLE.until(traffic.settled)
            sentry.answer(Reset("request"))
            (outcome,) = await STYLE.deliver(transport, event_request(sentry))
            assert isinstance(outcome, Response)

    STYLE.run(scenario)
    *_, lost, repeated = sentry.requests
    assert lost.connection <= 3
    assert repeated.connection == 4


def test_a_time_out_on_a_kept_connection_is_no_reason_to_send_again(sentry: LocalSentry) -> None:
    sentry.answer(Answer(), Hang())
    _, second = outcomes_of(Settings(sentry.url, timeout=0.3), b"{}", b"{}")
    assert isinstance(second, NoResponse)
    assert isinstance(second.error, TimeoutError)
    assert [request.connection for request in sentry.requests] == [1, 1]


# -- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusting(authority: trustme.CA) -> Settings:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return Settings("https://127.0.0.1/", timeout=PATIENCE, ssl_context=context)


def secured(context: ssl.SSLContext, talk: Talk) -> Talk:
    def talk_in_tls(connected: socket.socket) -> None:
        with context.wrap_socket(connected, server_side=True) as tls:
            talk(tls)

    return talk_in_tls


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_every_version_of_tls_will_do(
    server_context: ssl.SSLContext, trusting: Settings, version: ssl.TLSVersion
) -> None:
    server_context.minimum_version = server_context.maximum_version = version
    with scripted(secured(server_context, answer(OK, OK))) as port:
        outcomes = outcomes_of(replace(trusting, url=url_of(port, "https")), b"x" * 3_000_000, b"{}")
    assert [outcome.body for outcome in outcomes if isinstance(outcome, Response)] == [b"{}", b"{}"]


def test_a_server_that_ends_tls_is_done(server_context: ssl.SSLContext, trusting: Settings) -> None:
    """Even if it leaves the connection below open."""
    ended = Future[None]()

    def answer_and_end(connected: socket.socket) -> None:
        assert isinstance(connected, ssl.SSLSocket)
        answer(OK)(connected)
        with suppress(OSError):
            connected.unwrap()  # waits for the other side
        ended.set_result(None)

    async def scenario() -> None:
        async with STYLE.transport(settings) as transport:
            (first,) = await STYLE.deliver(transport, Request(settings.url, AUTH, b"{}"))
            await STYLE.until(ended, PATIENCE / 2)
            (second,) = await STYLE.deliver(transport, Request(settings.url, AUTH, b"{}"))
            assert isinstance(first, Response)
            assert isinstance(second, Response)

    with scripted(secured(server_context, answer_and_end), secured(server_context, answer(OK))) as port:
        settings = replace(trusting, url=url_of(port, "https"))
        STYLE.run(scenario)


def test_what_is_no_tls_ends_the_connection(server_context: ssl.SSLContext, trusting: Settings) -> None:
    def babble(connected: socket.socket) -> None:
        read_request(connected)
        os.write(connected.fileno(), b"no record of TLS begins like this")

    with scripted(secured(server_context, babble)) as port:
        (outcome,) = outcomes_of(replace(trusting, url=url_of(port, "https")), b"{}")
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, ssl.SSLError)
    assert outcome.sent


@pytest.mark.parametrize("heard", [0, 1], ids=["before", "in"])
@pytest.mark.parametrize("said", [b"", b"220 at your service\r\n"], ids=["nothing", "something else"])
def test_nothing_was_sent_to_a_server_that_hangs_up_or_speaks_before_the_end_of_the_handshake(
    heard: int, said: bytes
) -> None:
    def talk(connected: socket.socket) -> None:
        connected.recv(heard)
        if said:
            connected.sendall(said)
            while connected.recv(65536):
                pass  # until the other side hangs up

    with scripted(talk) as port:
        # With the platform's authorities: while they are read, in a thread, nobody waits for the server.
        (outcome,) = outcomes_of(Settings(url_of(port, "https"), timeout=PATIENCE / 2), b"{}")
    assert isinstance(outcome, NoResponse)
    assert not isinstance(outcome.error, TimeoutError)
    assert not outcome.sent


# -- the end


def test_a_close_in_the_midst_of_looking_up_a_name_leaves_nothing() -> None:
    url = "http://nowhere.invalid/api/1/envelope/"

    async def scenario() -> None:
        transport = STYLE.make(Settings(url, timeout=PATIENCE))
        traffic = Traffic(transport, [Request(url, AUTH, b"{}")])
        assert transport.later(0.0, traffic.turn)
        assert not await STYLE.close(transport, Future(), 0.0)
        assert STYLE.place.others() == []

    STYLE.run(scenario)


def test_a_connection_that_closes_but_has_something_to_write_is_not_waited_for() -> None:
    """Its server has answered, but does not read the rest, of which no more is left than the reactor has taken."""
    settled = Future[None]()

    def refuse(connected: socket.socket) -> None:
        connected.recv(1000)
        connected.sendall(b"HTTP/1.1 413 Too large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        settled.result(PATIENCE)

    async def scenario() -> None:
        transport = STYLE.make(Settings(url, timeout=PATIENCE))
        (outcome,) = await STYLE.deliver(transport, Request(url, AUTH, b"x" * 128 * 1024))
        assert isinstance(outcome, Response)
        assert len(STYLE.place.others()) == 1
        assert await STYLE.close(transport, done(), 0.0)
        assert STYLE.place.others() == []
        settled.set_result(None)

    with scripted(refuse, narrow=True) as port:
        url = url_of(port)
        STYLE.run(scenario)


def test_a_deferred_never_fails(sentry: LocalSentry) -> None:
    sentry.always(Hang())

    async def scenario() -> None:
        transport = STYLE.make(Settings(sentry.url, timeout=PATIENCE))
        traffic = Traffic(transport, [event_request(sentry)])
        assert transport.later(0.0, traffic.turn)
        for wait in (transport.wait, transport.close):
            dropped, cancelled = wait(traffic.settled, PATIENCE), wait(traffic.settled, PATIENCE)
            del dropped
            await STYLE.pass_on()
            assert isinstance(cancelled, Deferred)
            cancelled.cancel()
            assert await cancelled is False
            waiting = wait(traffic.settled, PATIENCE)
            waiting.cancel()  # before it began
            assert await waiting is (wait == transport.close)
        await STYLE.until(traffic.settled)
        while STYLE.place.others():  # until those that were dropped have ended too
            await STYLE.pass_on()

    STYLE.run(scenario)


def test_a_reactor_that_is_told_to_stop_waits_for_a_slow_server_but_not_for_a_dead_one(sentry: LocalSentry) -> None:
    sentry.always(Hang())
    transport = STYLE.make(Settings(sentry.url, timeout=PATIENCE, shutdown_timeout=0.4))
    traffic = Traffic(transport, [event_request(sentry)])

    async def scenario() -> None:
        assert transport.later(0.0, traffic.turn)

    before = time.monotonic()
    STYLE.run(scenario)
    assert 0.3 <= time.monotonic() - before < PATIENCE / 2
    (outcome,) = traffic.outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, Cancelled)
    assert outcome.error.waited > 0
    assert outcome.sent
    sentry.wait_for(lambda: not sentry.open_connections)


def test_what_holds_a_reactor_up_when_all_was_quiet_is_not_our_waiting(sentry: LocalSentry) -> None:
    sentry.always(Hang())
    transport = STYLE.make(Settings(sentry.url, timeout=PATIENCE))
    traffic = Traffic(transport, [event_request(sentry)])

    async def scenario() -> None:
        bound: Deferred[None] = Deferred()
        held: Deferred[None] = Deferred()
        assert transport.later(0.0, partial(bound.callback, None))
        await bound
        reactor.addSystemEventTrigger("before", "shutdown", lambda: held)
        reactor.callLater(0.3, lambda: transport.later(0.0, traffic.turn))
        reactor.callLater(0.4, held.callback, None)

    STYLE.run(scenario)
    (outcome,) = traffic.outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, Cancelled)
    assert outcome.error.waited == 0


def test_a_reactor_that_is_told_to_stop_waits_for_turns_that_are_about_to_come(sentry: LocalSentry) -> None:
    transport = STYLE.make(Settings(sentry.url))
    traffic = Traffic(transport, [event_request(sentry)] * 3)

    async def scenario() -> None:
        assert transport.later(0.02, traffic.turn)

    STYLE.run(scenario)
    assert traffic.settled.done()
    assert len(sentry.events) == 3


def test_it_waits_for_those_no_longer_either() -> None:
    transport = STYLE.make(Settings("http://127.0.0.1:9/", shutdown_timeout=0.01))

    async def scenario() -> None:
        assert transport.later(0.05, never)

    STYLE.run(scenario)


def test_the_reactor_forgets_a_closed_transport(sentry: LocalSentry) -> None:
    """And with it what is known to nobody else: here, how TLS is spoken."""

    async def deliver_and_close() -> weakref.ref[ssl.SSLContext]:
        context = ssl.create_default_context()
        transport = STYLE.make(Settings(sentry.url, ssl_context=context))
        await STYLE.deliver(transport, event_request(sentry))
        await STYLE.close(transport, done(), 0.0)
        return weakref.ref(context)

    async def scenario() -> None:
        context = await deliver_and_close()
        await STYLE.pass_on()
        gc.collect()
        assert context() is None

    STYLE.run(scenario)


def test_a_timer_keeps_no_reactor_alive() -> None:
    transport = STYLE.make(Settings("http://127.0.0.1:9/", shutdown_timeout=PATIENCE))

    async def scenario() -> None:
        assert transport.later(10 * PATIENCE, never)
        assert transport.later(1.0, never)

    before = time.monotonic()
    STYLE.run(scenario)
    assert time.monotonic() - before < 1.0


def never() -> None:
    raise AssertionError("a turn ran that should not have")


# -- whole programs, on every reactor. They leave by `os._exit`, so that nothing is sent but by the reactor.


@pytest.fixture(params=["select", "epoll", "asyncio"])
def prelude(request: pytest.FixtureRequest) -> str:
    return f"""
import os
import asyncsentry
from twisted.internet import {request.param}reactor
{request.param}reactor.install()
from twisted.internet import reactor
asyncsentry.init(transport="twisted")
"""


def sent_by(program: str, sentry: LocalSentry, folder: Path) -> list[str]:
    """The messages, and the types of the errors, that arrived when the program had run."""
    ran = run_program(program, folder=folder, dsn=sentry.dsn, flags=("-W", "error"))
    assert ran.returncode == 0, ran.stderr
    return sorted(
        event["exception"]["values"][-1]["type"] if "exception" in event else event["logentry"]["formatted"]
        for event in sentry.events
    )


def test_what_a_program_captures_arrives(prelude: str, sentry: LocalSentry, tmp_path: Path) -> None:
    program = """
from twisted.internet.threads import deferToThread
from twisted.logger import STDLibLogObserver, globalLogPublisher

def crash():
    1 / 0

def end():
    asyncsentry.capture_message("the last")
    reactor.stop()

globalLogPublisher.addObserver(STDLibLogObserver())
asyncsentry.capture_message("before it runs")
reactor.callWhenRunning(deferToThread, asyncsentry.capture_message, "from a thread")
reactor.callLater(0.01, crash)
reactor.callLater(0.1, end)
reactor.run()
os._exit(0)
"""
    expected = ["ZeroDivisionError", "before it runs", "from a thread", "the last"]
    assert sent_by(prelude + program, sentry, tmp_path) == expected


def test_what_runs_while_something_is_sent_is_the_programs_work_not_the_senders(
    prelude: str, sentry: LocalSentry, tmp_path: Path
) -> None:
    sentry.answer(Answer(delay=0.3))
    program = """
import logging

asyncsentry.capture_message("the first")
for beat in range(10):
    reactor.callLater(0.05 * beat, logging.error, "beat %d", beat)
reactor.callLater(0.6, reactor.stop)
reactor.run()
os._exit(0)
"""
    expected = [*(f"beat {beat}" for beat in range(10)), "the first"]
    assert sent_by(prelude + program, sentry, tmp_path) == expected


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_is_captured_first_as_the_reactor_is_told_to_stop_arrives(
    prelude: str, sentry: LocalSentry, tmp_path: Path, when: str
) -> None:
    program = """
def end():
    {before}
    reactor.stop()
    {after}

reactor.callLater(0, end)
reactor.run()
os._exit(0)
"""
    capture = "asyncsentry.capture_message('first and last')"
    text = program.format(**{"before": "pass", "after": "pass", when: capture})
    assert sent_by(prelude + text, sentry, tmp_path) == ["first and last"]


def test_a_reactor_may_crash_and_run_again(prelude: str, sentry: LocalSentry, tmp_path: Path) -> None:
    program = """
def crash():
    asyncsentry.capture_message("before the crash")
    reactor.crash()

def end():
    asyncsentry.capture_message("in the second life")
    reactor.stop()

reactor.callLater(0.01, crash)
reactor.run()
asyncsentry.capture_message("between")
reactor.callLater(0.01, end)
reactor.run()
os._exit(0)
"""
    assert sent_by(prelude + program, sentry, tmp_path) == ["before the crash", "between", "in the second life"]


def test_closing_from_outside_settles_what_a_crash_left(prelude: str, sentry: LocalSentry, tmp_path: Path) -> None:
    sentry.always(Hang())
    program = """
from concurrent.futures import Future
from asyncsentry.transport.protocol import Cancelled, Request
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.twisted import TwistedTransport

def timers():
    return [call for call in reactor.getDelayedCalls() if call.getTime() > reactor.seconds() + 30.0]

outcomes = []
transport = TwistedTransport(Settings(url, timeout=60.0))
assert transport.later(0.0, lambda: transport.send(Request(url, {}, b"{}"), outcomes.append))
reactor.callLater(0.2, reactor.crash)
reactor.run()
assert outcomes == []
transport.close(Future(), 0.0)
(outcome,) = outcomes
assert isinstance(outcome.error, Cancelled) and outcome.sent
assert len(timers()) == 1
reactor.callLater(0.1, reactor.stop)
reactor.run()
assert not timers()
"""
    assert sent_by(f"{prelude}\nurl = {sentry.url!r}\n{program}", sentry, tmp_path) == []
    assert len(sentry.requests) == 1


def test_what_a_reactor_cuts_off_when_it_stops_is_nobodys_failure(
    prelude: str, sentry: LocalSentry, tmp_path: Path
) -> None:
    """Sent when all was quiet, while something else held the reactor."""
    sentry.always(Hang())
    program = """
from twisted.internet.defer import Deferred
from asyncsentry.transport.protocol import Cancelled, Request
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.twisted import TwistedTransport

def send():
    transport.send(Request(url, {}, b"{}"), outcomes.append)
    reactor.callLater(0.2, held.callback, None)

outcomes = []
held = Deferred()
transport = TwistedTransport(Settings(url, timeout=60.0))
assert transport.later(0.0, reactor.stop)
reactor.addSystemEventTrigger("before", "shutdown", lambda: held)
reactor.addSystemEventTrigger("before", "shutdown", reactor.callLater, 0.1, transport.later, 0.0, send)
reactor.run()
(outcome,) = outcomes
assert isinstance(outcome.error, Cancelled) and outcome.sent
"""
    assert sent_by(f"{prelude}\nurl = {sentry.url!r}\n{program}", sentry, tmp_path) == []
    assert len(sentry.requests) == 1


def test_a_reactor_that_has_stopped_takes_no_turns(prelude: str, sentry: LocalSentry, tmp_path: Path) -> None:
    program = """
from concurrent.futures import Future
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.twisted import TwistedTransport

ran = []
transport = TwistedTransport(Settings("http://127.0.0.1:9/"))
assert transport.later(0.0, lambda: ran.append(True))
assert not ran
reactor.callLater(0.01, reactor.stop)
reactor.run()
assert ran == [True]
assert not transport.later(0.0, ran.clear)
assert not transport.later(1.0, ran.clear)
outcomes = []
transport.wait(Future(), 1.0).addCallback(outcomes.append)
transport.close(Future(), 1.0).addCallback(outcomes.append)
assert outcomes == [False, False]
asyncsentry.capture_message("sent at the end of the process")
"""
    assert sent_by(prelude + program, sentry, tmp_path) == ["sent at the end of the process"]


def test_nothing_is_asked_of_a_closed_loop(sentry: LocalSentry, tmp_path: Path) -> None:
    program = """
import asyncio
from concurrent.futures import Future
from twisted.internet import asyncioreactor
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.twisted import TwistedTransport

loop = asyncio.new_event_loop()
asyncioreactor.install(loop)
from twisted.internet import reactor
bound, unbound = TwistedTransport(Settings("http://127.0.0.1:9/")), TwistedTransport(Settings("http://127.0.0.1:9/"))
assert bound.later(0.0, loop.stop)
idle = Future()
bound.wait(idle, 10.0)
bound.close(idle, 10.0)
reactor.run()
loop.close()
for transport in (bound, unbound):
    assert not transport.later(0.0, print)
    transport.wait(idle, 1.0)
    transport.close(idle, 1.0)
idle.set_result(None)
reactor.callLater = None  # its timers would want the loop
"""
    assert sent_by(program, sentry, tmp_path) == []


def test_another_reactor_may_take_the_place_of_one(sentry: LocalSentry, tmp_path: Path) -> None:
    """What the first had on its way is settled; what comes then is sent by the next."""
    program = """
import os
import sys
import asyncsentry
import twisted.internet
from asyncsentry.testing import Hang, LocalSentry
from asyncsentry.transport.protocol import Cancelled, Request
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.twisted import TwistedTransport
from twisted.internet import epollreactor, selectreactor

def run(turn, delivered):
    reactor = twisted.internet.reactor

    def crash_when_sent():
        if dead.requests and asyncsentry.get_client().stats()["error"].delivered == delivered:
            reactor.crash()
        else:
            reactor.callLater(0.05, crash_when_sent)

    assert transport.later(0.0, turn)
    asyncsentry.capture_message(f"on {type(reactor).__name__}")
    reactor.callLater(0.0, crash_when_sent)
    reactor.run()

asyncsentry.init(transport="twisted")
outcomes = []
dead = LocalSentry()
dead.always(Hang())
transport = TwistedTransport(Settings(dead.url, timeout=60.0))
selectreactor.install()
run(lambda: transport.send(Request(dead.url, {}, b"{}"), outcomes.append), delivered=1)
assert outcomes == []
del sys.modules["twisted.internet.reactor"], twisted.internet.reactor
epollreactor.install()
run(lambda: None, delivered=2)
(outcome,) = outcomes
assert isinstance(outcome.error, Cancelled) and outcome.sent
os._exit(0)
"""
    assert sent_by(program, sentry, tmp_path) == ["on EPollReactor", "on SelectReactor"]


def test_no_reactor_is_installed_by_us(sentry: LocalSentry, tmp_path: Path) -> None:
    program = """
import sys
import asyncsentry
from concurrent.futures import Future
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.twisted import TwistedTransport

transport = TwistedTransport(Settings("http://127.0.0.1:9/"))
assert not transport.later(0.0, print)
outcomes = []
transport.wait(Future(), 1.0).addCallback(outcomes.append)
transport.close(Future(), 1.0).addCallback(outcomes.append)
assert outcomes == [False, False]
asyncsentry.init(transport="twisted")
asyncsentry.capture_message("sent at the end of the process")
assert "twisted.internet.reactor" not in sys.modules
"""
    assert sent_by(program, sentry, tmp_path) == ["sent at the end of the process"]


# -- the example


def test_a_web_server_reports_its_crashes(sentry: LocalSentry) -> None:
    server = subprocess.Popen(
        [sys.executable, "-W", "error", str(ROOT / "examples" / "twisted_server.py"), "tcp:0:interface=127.0.0.1"],
        env={**os.environ, "SENTRY_DSN": sentry.dsn},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert server.stdout is not None
        (port,) = re.findall(r"port=(\d+)", server.stdout.readline())
        address = f"http://127.0.0.1:{port}/"
        with urllib.request.urlopen(f"{address}?name=Ada", timeout=PATIENCE) as greeting:
            assert greeting.read() == b"Hello Ada!\n"
        with pytest.raises(urllib.error.HTTPError, match="500"):
            urllib.request.urlopen(address, timeout=PATIENCE)
        sentry.wait_for_events(1, PATIENCE)
        with pytest.raises(urllib.error.HTTPError, match="500"):
            urllib.request.urlopen(address, timeout=PATIENCE)
    finally:
        server.send_signal(signal.SIGTERM)  # with the second event on its way
        _, said = server.communicate(timeout=PATIENCE)
    assert len(sentry.events) == 2, said
    for event in sentry.events:
        (error,) = event["exception"]["values"]
        assert error["type"] == "KeyError"
        assert error["stacktrace"]["frames"][-1]["function"].endswith("render_GET")
