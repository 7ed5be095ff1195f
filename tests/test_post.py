"""The blocking sender by itself: what the styles' common tests do not reach."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import closing
from typing import Any

import pytest

from asyncsentry.post import Blocking, Channel
from asyncsentry.testing import Answer, Hang, LocalSentry, Reset
from asyncsentry.transport.protocol import NoResponse, Request, Response
from asyncsentry.transport.settings import Settings
from testing.client import AUTH, event_envelope
from transports.scripted import answer, read_request, scripted

PATIENCE = 20.0
UNKNOWN_FAMILY = 200
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def event_request(sentry: LocalSentry) -> Request:
    return Request(sentry.url, AUTH, event_envelope())


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


def post(
    port: int, body: bytes = b"{}", timeout: float = PATIENCE, *, host: str = "127.0.0.1"
) -> Response | NoResponse:
    """One post on a channel of its own."""
    there = f"http://{host}:{port}/"
    with closing(Channel(Settings(there))) as channel:
        return channel.post(Request(there, {}, body), timeout)


def test_making_and_closing_a_channel_opens_nothing(sentry: LocalSentry) -> None:
    channel = Channel(Settings(sentry.url))
    channel.abort()
    channel.close()
    assert sentry.connections == 0


def test_a_closed_channel_opens_another_connection(sentry: LocalSentry) -> None:
    channel = Channel(Settings(sentry.url))
    for _ in range(2):
        assert isinstance(channel.post(event_request(sentry), PATIENCE), Response)
        channel.close()
    assert sentry.connections == 2


def test_no_time_means_no_post(sentry: LocalSentry) -> None:
    outcome = Channel(Settings(sentry.url)).post(event_request(sentry), 0.0)
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, TimeoutError)
    assert not outcome.sent


def test_the_deadline_holds_for_all_of_a_slow_answer(sentry: LocalSentry) -> None:
    def drip(connected: socket.socket) -> None:
        read_request(connected)
        for byte in b"HTTP/1.1 200 OK\r\nX-Drip: " + b"x" * 1000:
            connected.sendall(bytes([byte]))
            time.sleep(0.02)

    with scripted(drip) as port:
        began = time.monotonic()
        outcome = post(port, timeout=0.2)
        assert time.monotonic() - began < PATIENCE / 2
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, TimeoutError)


def test_the_deadline_holds_for_a_request_that_nobody_reads() -> None:
    hung_up = threading.Event()

    def ignore(_: socket.socket) -> None:
        hung_up.wait(PATIENCE)

    with scripted(ignore) as port:
        outcome = post(port, b"x" * 20_000_000, 1.0)
        hung_up.set()
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, TimeoutError)
    assert outcome.sent


def test_an_early_refusal_is_heard_though_the_server_hung_up() -> None:
    def refuse(connected: socket.socket) -> None:
        connected.recv(1000)
        connected.sendall(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n")
        connected.shutdown(socket.SHUT_WR)
        while connected.recv(65536):  # a server that reads on lets its answer be read
            pass

    with scripted(refuse) as port:
        outcome = post(port, b"x" * 5_000_000)
    assert isinstance(outcome, Response)
    assert outcome.status == 413


def test_a_server_that_stops_reading_and_resets_gave_no_answer() -> None:
    def reset(connected: socket.socket) -> None:
        connected.recv(1000)  # closing with the rest unread resets the connection

    with scripted(reset) as port:
        outcome = post(port, b"x" * 5_000_000)
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, OSError)
    assert outcome.sent


def test_an_answer_that_broke_off_is_not_asked_for_again(sentry: LocalSentry) -> None:
    """Its head had begun: the server has the request."""
    with scripted(answer(OK, b"HTTP/1.1 20")) as port:
        channel = Channel(Settings(url(port)))
        assert isinstance(channel.post(Request(url(port), {}, b"{}"), PATIENCE), Response)
        outcome = channel.post(Request(url(port), {}, b"{}"), PATIENCE)
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, ConnectionError)


def test_a_time_out_on_a_kept_connection_is_not_tried_again(sentry: LocalSentry) -> None:
    sentry.answer(Answer(), Hang())
    channel = Channel(Settings(sentry.url))
    assert isinstance(channel.post(event_request(sentry), PATIENCE), Response)
    outcome = channel.post(event_request(sentry), 0.2)
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, TimeoutError)
    assert sentry.connections == 1


def test_a_retry_that_finds_nobody_may_have_been_sent_before() -> None:
    """The server reads the second request, and dies of it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            connected, _ = listening.accept()
            with connected:
                answer(OK)(connected)
                read_request(connected)
                listening.close()

        thread = threading.Thread(target=serve)
        thread.start()
        channel = Channel(Settings(url(port)))
        assert isinstance(channel.post(Request(url(port), {}, b"{}"), PATIENCE), Response)
        outcome = channel.post(Request(url(port), {}, b"{}"), PATIENCE)
        thread.join(PATIENCE)
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, ConnectionRefusedError)
    assert outcome.sent


def test_a_kept_connection_that_was_reset_is_not_used() -> None:
    reset_by_now = threading.Event()

    def reset(connected: socket.socket) -> None:
        answer(OK)(connected)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connected.close()
        reset_by_now.set()

    with scripted(reset, answer(OK)) as port, closing(Channel(Settings(url(port)))) as channel:
        for _ in range(2):
            assert isinstance(channel.post(Request(url(port), {}, b"{}"), PATIENCE), Response)
            reset_by_now.wait(PATIENCE)


@pytest.mark.parametrize("before", [0, 1])
def test_another_thread_may_end_a_post(sentry: LocalSentry, before: int) -> None:
    """Which is not made again, also not if its connection had been of use before."""
    channel = Channel(Settings(sentry.url))
    for _ in range(before):
        assert isinstance(channel.post(event_request(sentry), PATIENCE), Response)
    sentry.answer(Hang())
    outcomes: list[Response | NoResponse] = []
    thread = threading.Thread(target=lambda: outcomes.append(channel.post(event_request(sentry), 10 * PATIENCE)))
    thread.start()
    sentry.wait_for(lambda: len(sentry.requests) > before)
    channel.abort()
    thread.join(PATIENCE)
    (outcome,) = outcomes
    assert isinstance(outcome, NoResponse)
    assert outcome.sent
    assert len(sentry.requests) == before + 1
    channel.close()


def test_a_look_up_that_fails_too_late_is_a_time_out() -> None:
    class SlowlyNowhere(Blocking):
        def addresses(self, host: str, port: int, seconds: float, /) -> Any:
            time.sleep(2 * seconds)
            raise socket.gaierror(socket.EAI_AGAIN, "try again")

    for seconds, expected in ((0.02, TimeoutError), (PATIENCE, socket.gaierror)):
        network = SlowlyNowhere() if seconds < 1 else Blocking()
        outcome = Channel(Settings("http://nowhere.invalid/"), network).post(Request("", {}, b""), seconds)
        assert isinstance(outcome, NoResponse)
        assert isinstance(outcome.error, expected)


def test_a_host_may_be_given_by_its_name() -> None:
    with scripted(answer(b"HTTP/1.1 204 Nothing\r\n\r\n")) as port:
        assert isinstance(post(port, host="localhost"), Response)


@pytest.mark.parametrize("reset", [Reset("start"), Reset("request")])
def test_a_new_connection_that_is_reset_is_a_failure(sentry: LocalSentry, reset: Reset) -> None:
    sentry.answer(reset)
    outcome = Channel(Settings(sentry.url)).post(event_request(sentry), PATIENCE)
    assert isinstance(outcome, NoResponse)
    assert outcome.sent
    assert len(sentry.requests) <= 1


class Odd(Blocking):
    """A machine on which a name has addresses of a family that it has not."""

    def addresses(self, host: str, port: int, seconds: float, /) -> list[tuple[int, int, int, str, Any]]:
        return [(UNKNOWN_FAMILY, socket.SOCK_STREAM, 0, "", ("::1", port)), *super().addresses(host, port, seconds)]


def test_an_address_of_a_family_that_is_not_here_is_passed_over(sentry: LocalSentry) -> None:
    with closing(Channel(Settings(sentry.url), Odd())) as channel:
        assert isinstance(channel.post(event_request(sentry), PATIENCE), Response)
