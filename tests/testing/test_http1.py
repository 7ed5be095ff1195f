"""HTTP/1.1 as it comes over the wire."""

from __future__ import annotations

import socket

import pytest

from asyncsentry.testing import LocalSentry
from testing.client import AUTH, PATIENCE, address, connect, event_envelope, raw, send

BODY = event_envelope()
LINE = b"POST /api/1/envelope/ HTTP/1.1\r\n"
HEAD = LINE + b"Host: localhost\r\nX-Sentry-Auth: %s\r\n" % AUTH["X-Sentry-Auth"].encode()


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a_chunked_request_is_read(sentry: LocalSentry) -> None:
    with connect(sentry) as connection:
        connection.request("POST", "/api/1/envelope/", iter([BODY[:7], BODY[7:]]), AUTH, encode_chunked=True)
        assert connection.getresponse().status == 200
    assert sentry.requests[0].headers["transfer-encoding"] == "chunked"
    assert sentry.requests[0].raw_body == BODY


def test_chunk_extensions_and_trailers_are_passed_over(sentry: LocalSentry) -> None:
    data = b"%x;name=value\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(BODY), BODY)
    assert status(raw(sentry, HEAD + b"Transfer-Encoding: Chunked\r\n\r\n" + data)) == 200
    assert sentry.events == ({"message": "hi"},)


def test_requests_may_follow_one_another_without_waiting(sentry: LocalSentry) -> None:
    request = HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
    assert raw(sentry, request * 3).count(b"HTTP/1.1 200 OK\r\n") == 3
    assert [request.connection for request in sentry.requests] == [1, 1, 1]


def test_a_client_that_waits_for_continue_is_told_to(sentry: LocalSentry) -> None:
    with socket.create_connection(address(sentry), timeout=PATIENCE) as connected:
        connected.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
        assert connected.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connected.sendall(BODY)
        assert connected.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("value", ["close", "Close", "TE, close"])
def test_a_connection_is_closed_when_the_client_says_so(sentry: LocalSentry, value: str) -> None:
    with connect(sentry) as connection:
        assert send(connection, headers=AUTH | {"Connection": value}).headers["connection"] == "close"
        sentry.wait_for(lambda: sentry.open_connections == 0)


def test_http_1_0_is_answered_and_closed(sentry: LocalSentry) -> None:
    answer = raw(sentry, b"POST / HTTP/1.0\r\n\r\n")
    assert status(answer) == 404
    assert b"\r\nconnection: close\r\n" in answer


def test_headers_of_one_name_are_joined_and_names_are_lower_case(sentry: LocalSentry) -> None:
    raw(sentry, HEAD + b"X-Thing: 1\r\nx-thing:2 \r\n\r\n")
    assert sentry.requests[0].headers["x-thing"] == "1, 2"


@pytest.mark.parametrize(
    ("data", "refusal", "reason"),
    [
        (b"\r\n\r\n", 400, "request line"),
        (b"POST /\r\n\r\n", 400, "request line"),
        (b"POST / HTTP/2\r\n\r\n", 400, "request line"),
        (b"\x16\x03\x01 a TLS greeting\n", 400, "ended by CR and LF"),
        (LINE + b"\r\n", 400, "no Host"),
        (LINE + b"Host: a\n\n", 400, "ended by CR and LF"),
        (LINE + b"Host\r\n\r\n", 400, "not a header: 'Host'"),
        (LINE + b"Host : a\r\n\r\n", 400, "not a header"),
        (LINE + b": a\r\n\r\n", 400, "not a header"),
        (LINE + b"A: %s\r\n\r\n" % (b"x" * 70_000), 400, "too long"),
        (LINE + b"A: %s\r\n\r\n" % b"\r\nA: ".join([b"x" * 10_000] * 7), 400, "too long"),
        (HEAD + b"Content-Length: -1\r\n\r\n", 400, "Content-Length is '-1'"),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n{", 400, "Content-Length is '1, 1'"),
        (HEAD + b"Content-Length: 1000000000000\r\n\r\n", 413, "a body of more than"),
        (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400, "both"),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501, "Transfer-Encoding is 'gzip'"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400, "not the size of a chunk"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n", 400, "not the size of a chunk"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n", 413, "a body of more than"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}}\r\n", 400, "longer than its size"),
    ],
)
def test_what_is_not_http_is_refused_recorded_and_hung_up_on(
    sentry: LocalSentry, data: bytes, refusal: int, reason: str
) -> None:
    answer = raw(sentry, data)
    assert status(answer) == refusal
    assert b"\r\nconnection: close\r\n" in answer
    (request,) = sentry.requests
    assert request.error is not None
    assert reason in request.error
    assert request.received_at > 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"POST /api",
        HEAD,
        HEAD + b"Content-Length: 9\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"{}")[:-5],
    ],
)
def test_a_client_that_leaves_in_the_middle_has_sent_nothing(sentry: LocalSentry, data: bytes) -> None:
    assert raw(sentry, data) == b""
    sentry.wait_for(lambda: sentry.connections == 1 and sentry.open_connections == 0)
    assert sentry.requests == ()
