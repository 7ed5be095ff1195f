"""What becomes of a request, in every style."""

from __future__ import annotations

import re
import socket
import threading
import time

import pytest

from asyncsentry.testing import Answer, Hang, LocalSentry, Reset
from asyncsentry.transport.protocol import BODY_LIMIT, NoResponse, Request, Response
from asyncsentry.transport.settings import Settings
from testing.client import AUTH, event_envelope
from transports.scripted import answer, read_request, scripted
from transports.style import PATIENCE, Style, Traffic, event_request

CONNECTING_FAILED = re.compile("Cannot connect|Failed to connect")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def test_an_event_is_delivered_as_it_is(style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            (outcome,) = await style.deliver(transport, event_request(sentry, "as it is"))
            assert isinstance(outcome, Response)
            assert outcome.status == 200
            assert outcome.headers["content-type"] == "application/json"
            assert b"9ec79c33ec9942ab8353589fcb2e04dc" in outcome.body

    style.run(scenario)
    (request,) = sentry.requests
    assert sentry.events == ({"message": "as it is"},)
    assert request.headers["content-length"] == str(len(event_envelope("as it is")))
    assert {"accept-encoding", "user-agent", "transfer-encoding", "content-type", "cookie"}.isdisjoint(request.headers)


def test_a_large_request_arrives_whole(style: Style, sentry: LocalSentry) -> None:
    message = "large " * 200_000

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            (outcome,) = await style.deliver(transport, event_request(sentry, message))
            assert isinstance(outcome, Response)

    style.run(scenario)
    sentry.wait_for(lambda: sentry.requests)
    assert sentry.requests[0].raw_body == event_envelope(message)


@pytest.mark.parametrize("status", [202, 301, 307, 400, 413, 429, 500, 503])
def test_every_status_is_an_answer_and_redirects_are_not_followed(
    style: Style, sentry: LocalSentry, status: int
) -> None:
    sentry.answer(Answer(status, {"Location": sentry.url, "Retry-After": "7", "X-Two": "a"}, b"because"))

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            (outcome,) = await style.deliver(transport, event_request(sentry))
            assert isinstance(outcome, Response)
            assert outcome.status == status
            assert outcome.headers["retry-after"] == "7"
            assert outcome.body == b"because"

    style.run(scenario)
    assert len(sentry.requests) == 1


def test_headers_of_one_name_are_joined(style: Style) -> None:
    async def scenario() -> None:
        async with style.transport(Settings(url)) as transport:
            (outcome,) = await style.deliver(transport, Request(url, AUTH, b"{}"))
            assert isinstance(outcome, Response)
            assert outcome.headers["x-two"] == "a, b"

    with scripted(answer(b"HTTP/1.1 200 OK\r\nX-Two: a\r\nx-two: b\r\nContent-Length: 0\r\n\r\n")) as port:
        url = f"http://127.0.0.1:{port}/api/1/envelope/"
        style.run(scenario)


def test_only_the_beginning_of_a_long_body_is_kept(style: Style, sentry: LocalSentry) -> None:
    sentry.answer(Answer(400, body=b"x" * 50_000), Answer(400, body=b"y" * 1_000_000), Answer(400, body=b"z"))

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            for letter in (b"x", b"y"):
                (outcome,) = await style.deliver(transport, event_request(sentry))
                assert isinstance(outcome, Response)
                assert outcome.body == letter * BODY_LIMIT
            (outcome,) = await style.deliver(transport, event_request(sentry))
            assert isinstance(outcome, Response)
            assert outcome.body == b"z"

    style.run(scenario)
    # The second answer was too long to read to its end, so its connection was given up.
    assert [request.connection for request in sentry.requests] == ([1, 1, 2] if style.keeps_connections else [1, 2, 3])


def test_nothing_was_sent_to_a_port_that_refuses(style: Style) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api/1/envelope/"

    async def scenario() -> None:
        async with style.transport(Settings(url)) as transport:
            (outcome,) = await style.deliver(transport, Request(url, AUTH, b"{}"))
            assert isinstance(outcome, NoResponse)
            assert isinstance(outcome.error, ConnectionRefusedError) or CONNECTING_FAILED.match(str(outcome.error))
            assert not outcome.sent

    style.run(scenario)


def test_nothing_was_sent_to_a_host_that_has_no_address(style: Style) -> None:
    url = "http://nowhere.invalid/api/1/envelope/"

    async def scenario() -> None:
        async with style.transport(Settings(url, timeout=PATIENCE)) as transport:
            (outcome,) = await style.deliver(transport, Request(url, AUTH, b"{}"))
            assert isinstance(outcome, NoResponse)
            assert not outcome.sent

    style.run(scenario)


def test_a_request_that_cannot_be_written_is_a_failed_one(style: Style, sentry: LocalSentry) -> None:
    request = Request(sentry.url, {"X-Broken": "a\r\nX-Injected: b"}, b"{}")

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            (outcome,) = await style.deliver(transport, request)
            assert isinstance(outcome, NoResponse)

    style.run(scenario)
    assert sentry.requests == ()


@pytest.mark.parametrize("when", [Reset("request"), Reset("start")], ids=["after", "before"])
def test_a_reset_means_no_answer_and_the_next_request_goes_on(style: Style, sentry: LocalSentry, when: Reset) -> None:
    sentry.answer(when)

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            first, second = await style.deliver(transport, event_request(sentry), event_request(sentry))
            assert isinstance(first, NoResponse)
            assert first.sent
            assert isinstance(second, Response)

    style.run(scenario)
    assert len(sentry.events) == 1


def test_an_answer_that_breaks_off_in_its_body_is_an_answer(style: Style, sentry: LocalSentry) -> None:
    sentry.answer(Reset("answer"))

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            first, second = await style.deliver(transport, event_request(sentry), event_request(sentry))
            assert isinstance(second, Response)
            assert isinstance(first, Response) or first.sent  # a reset may overtake the head

    style.run(scenario)


def test_a_server_that_hangs_is_given_up_in_time(style: Style, sentry: LocalSentry) -> None:
    sentry.answer(Hang())

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url, timeout=0.2)) as transport:
            before = time.monotonic()
            (outcome,) = await style.deliver(transport, event_request(sentry))
            assert time.monotonic() - before < PATIENCE / 2
            assert isinstance(outcome, NoResponse)
            assert isinstance(outcome.error, TimeoutError)
            assert outcome.sent

    style.run(scenario)


def test_a_body_that_takes_too_long_is_no_reason_to_send_again(style: Style, sentry: LocalSentry) -> None:
    sentry.answer(Answer(400, body=b"x" * 20, slow_body=PATIENCE))

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url, timeout=0.5)) as transport:
            (outcome,) = await style.deliver(transport, event_request(sentry))
            assert isinstance(outcome, Response)
            assert outcome.status == 400

    style.run(scenario)


@pytest.mark.parametrize(
    "garbage", [b"SSH-2.0-hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n", b"\x00" * 70_000]
)
def test_garbage_is_no_answer(style: Style, garbage: bytes) -> None:
    async def scenario() -> None:
        async with style.transport(Settings(url)) as transport:
            (outcome,) = await style.deliver(transport, Request(url, AUTH, b"{}"))
            assert isinstance(outcome, NoResponse)
            assert outcome.sent

    with scripted(answer(garbage)) as port:
        url = f"http://127.0.0.1:{port}/api/1/envelope/"
        style.run(scenario)


def test_interim_answers_are_passed_over(style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        async with style.transport(Settings(url)) as transport:
            (outcome,) = await style.deliver(transport, Request(url, AUTH, b"{}"))
            assert isinstance(outcome, Response)
            assert (outcome.status, outcome.body) == (200, b"{}")

    with scripted(answer(b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n" + OK)) as port:
        url = f"http://127.0.0.1:{port}/api/1/envelope/"
        style.run(scenario)


def test_one_after_the_other_goes_over_one_connection(style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            outcomes = await style.deliver(transport, *(event_request(sentry) for _ in range(5)))
            assert all(isinstance(outcome, Response) for outcome in outcomes)

    style.run(scenario)
    assert len(sentry.events) == 5
    assert sentry.connections == (1 if style.keeps_connections else 5)


def test_a_connection_that_the_server_closed_while_idle_costs_no_request(style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            for _ in range(3):
                (outcome,) = await style.deliver(transport, event_request(sentry))
                assert isinstance(outcome, Response)
                sentry.drop_connections()

    style.run(scenario)
    assert len(sentry.events) == 3
    assert sentry.connections == 3


def test_a_connection_that_dies_under_the_next_request_is_replaced_at_once(style: Style, sentry: LocalSentry) -> None:
    sentry.answer(Answer(), Reset("request"), Answer())

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            first, second = await style.deliver(transport, event_request(sentry), event_request(sentry))
            assert isinstance(first, Response)
            # One that was made for this request is no kept one that the server may have closed.
            assert isinstance(second, Response if style.keeps_connections else NoResponse)

    style.run(scenario)
    assert [request.connection for request in sentry.requests] == ([1, 1, 2] if style.keeps_connections else [1, 2])


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next(style: Style) -> None:
    """In the hands of httpx it is: httpcore keeps what came together with the first."""

    def surprise(connected: socket.socket) -> None:
        read_request(connected)
        connected.sendall(OK + b"HTTP/1.1 500 Surprise\r\nContent-Length: 0\r\n\r\n")
        connected.recv(1)  # the other side hangs up, or sends its next request

    async def scenario() -> None:
        async with style.transport(Settings(url)) as transport:
            outcomes = await style.deliver(transport, *[Request(url, AUTH, b"{}")] * 2)
            statuses = [outcome.status for outcome in outcomes if isinstance(outcome, Response)]
            assert statuses == [200, 500 if style.hoards else 200]

    with scripted(surprise, answer(OK)) as port:
        url = f"http://127.0.0.1:{port}/api/1/envelope/"
        style.run(scenario)


def test_what_comes_on_an_idle_connection_is_not_taken_for_an_answer(style: Style) -> None:
    """In the hands of some libraries it is: aiohttp's pool does not look."""
    first_settled, said = threading.Event(), threading.Event()

    def babble(connected: socket.socket) -> None:
        answer(OK)(connected)
        first_settled.wait(PATIENCE)
        connected.sendall(b"HTTP/1.1 500 Surprise\r\nContent-Length: 0\r\n\r\n")
        said.set()
        connected.recv(1)  # the other side hangs up, or sends its next request

    async def scenario() -> None:
        async with style.transport(Settings(url)) as transport:
            (outcome,) = await style.deliver(transport, Request(url, AUTH, b"{}"))
            assert isinstance(outcome, Response)
            first_settled.set()
            said.wait(PATIENCE)
            await style.place.pause(0.05)
            (outcome,) = await style.deliver(transport, Request(url, AUTH, b"{}"))
            assert isinstance(outcome, Response)
            assert outcome.status == (500 if style.deaf else 200)

    with scripted(babble, answer(OK)) as port:
        url = f"http://127.0.0.1:{port}/api/1/envelope/"
        style.run(scenario)


def test_a_server_that_reads_slowly_gets_a_large_request_in_the_end(style: Style) -> None:
    body = b"x" * 30_000_000

    def read_late(connected: socket.socket) -> None:
        time.sleep(0.1)
        assert read_request(connected).endswith(body)
        connected.sendall(OK)

    async def scenario() -> None:
        async with style.transport(Settings(url, timeout=PATIENCE)) as transport:
            (outcome,) = await style.deliver(transport, Request(url, AUTH, body))
            assert isinstance(outcome, Response)

    with scripted(read_late) as port:
        url = f"http://127.0.0.1:{port}/api/1/envelope/"
        style.run(scenario)


def test_nothing_was_sent_to_a_server_that_never_shakes_hands(style: Style) -> None:
    gone = threading.Event()

    def silence(connected: socket.socket) -> None:
        gone.wait(PATIENCE)

    async def scenario() -> None:
        async with style.transport(Settings(url, timeout=0.3)) as transport:
            (outcome,) = await style.deliver(transport, Request(url, AUTH, b"{}"))
            assert isinstance(outcome, NoResponse)
            assert isinstance(outcome.error, TimeoutError)
            assert not outcome.sent
        gone.set()

    with scripted(silence) as port:
        url = f"https://127.0.0.1:{port}/api/1/envelope/"
        style.run(scenario)


def test_a_slow_server_holds_nothing_up_on_a_loop(loop_style: Style, sentry: LocalSentry) -> None:
    sentry.always(Answer(delay=0.3))

    async def scenario() -> None:
        async with loop_style.transport(Settings(sentry.url)) as transport:
            traffic = Traffic(transport, [event_request(sentry)] * 4, eager=True)
            assert transport.later(0.0, traffic.turn)
            await loop_style.until(traffic.settled)
            assert all(isinstance(outcome, Response) for outcome in traffic.outcomes)

    loop_style.run(scenario)
    assert sentry.connections == 4


def test_no_more_connections_are_kept_than_may_be_in_flight(loop_style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        async with loop_style.transport(Settings(sentry.url, max_in_flight=1)) as transport:
            traffic = Traffic(transport, [event_request(sentry)] * 3, eager=True)
            assert transport.later(0.0, traffic.turn)
            await loop_style.until(traffic.settled)
            await loop_style.deliver(transport, event_request(sentry))
            await loop_style.see(sentry, lambda: sentry.open_connections <= 1)

    loop_style.run(scenario)
    assert len(sentry.events) == 4
