"""The server does with a request what it is told to."""

from __future__ import annotations

import http.client
import json
import time

import pytest

from asyncsentry.testing import Answer, Hang, LocalSentry, Reset
from testing.client import AUTH, EVENT_ID, connect, event_envelope, post, raw, send


def test_answers_are_given_one_a_request_and_then_always_the_same(sentry: LocalSentry) -> None:
    sentry.always(Answer(503))
    sentry.answer(Answer(200), Answer(429))
    sentry.answer(Answer(413))
    assert [post(sentry).status for _ in range(5)] == [200, 429, 413, 503, 503]
    assert [request.status for request in sentry.requests] == [200, 429, 413, 503, 503]


def test_only_what_was_answered_with_a_2xx_is_stored(sentry: LocalSentry) -> None:
    sentry.answer(Answer(202), Answer(302), Answer(429), Answer(500))
    for _ in range(4):
        post(sentry)
    assert len(sentry.requests) == 4
    assert len(sentry.envelopes) == len(sentry.events) == 1


def test_headers_and_body_are_sent_as_told(sentry: LocalSentry) -> None:
    sentry.answer(Answer(429, {"X-Sentry-Rate-Limits": "60::key", "Content-Type": "text/plain"}, b"enough"))
    said = post(sentry)
    assert said.headers["x-sentry-rate-limits"] == "60::key"
    assert said.headers["content-type"] == "text/plain"
    assert said.headers["content-length"] == "6"
    assert said.body == b"enough"


def test_without_a_body_it_says_what_sentry_would(sentry: LocalSentry) -> None:
    sentry.answer(Answer(200), Answer(503))
    assert json.loads(post(sentry).body) == {"id": EVENT_ID}
    assert json.loads(post(sentry).body) == {"detail": "told to answer 503", "causes": []}


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_has_none(sentry: LocalSentry, status: int) -> None:
    sentry.answer(Answer(status))
    with connect(sentry) as connection:
        assert send(connection).body == b""
        assert send(connection).status == 200


def test_a_status_that_nobody_knows_may_be_told(sentry: LocalSentry) -> None:
    sentry.answer(Answer(599))
    assert post(sentry).status == 599


def test_an_answer_may_be_chunked(sentry: LocalSentry) -> None:
    sentry.answer(Answer(headers={"Transfer-Encoding": "chunked"}, body=b"2\r\n{}\r\n0\r\n\r\n"))
    with connect(sentry) as connection:
        assert send(connection).body == b"{}"
        assert send(connection).status == 200


def test_an_answer_may_close_the_connection(sentry: LocalSentry) -> None:
    sentry.answer(Answer(headers={"Connection": "close"}))
    with connect(sentry) as connection:
        assert send(connection).status == 200
        sentry.wait_for(lambda: sentry.open_connections == 0)


def test_an_answer_may_promise_more_than_it_sends(sentry: LocalSentry) -> None:
    sentry.answer(Answer(headers={"Content-Length": "9", "Connection": "close"}, body=b"{}"))
    with pytest.raises(http.client.IncompleteRead):
        post(sentry)


def test_a_delayed_answer_comes_when_it_is_due(sentry: LocalSentry) -> None:
    sentry.answer(Answer(delay=0.2))
    began = time.monotonic()
    assert post(sentry).status == 200
    assert time.monotonic() - began >= 0.19


@pytest.mark.parametrize("body", [None, b"x", b"x" * 1000])
def test_a_slow_body_takes_its_time_and_is_whole(sentry: LocalSentry, body: bytes | None) -> None:
    sentry.answer(Answer(body=body, slow_body=0.2))
    with connect(sentry) as connection:
        connection.request("POST", "/api/1/envelope/", event_envelope(), AUTH)
        began = time.monotonic()
        assert len(connection.getresponse().read()) >= 1
        assert time.monotonic() - began >= 0.15


def test_an_empty_body_is_never_slow(sentry: LocalSentry) -> None:
    sentry.answer(Answer(body=b"", slow_body=3600))
    assert post(sentry).body == b""


def test_a_reset_at_the_start_leaves_the_request_unread(sentry: LocalSentry) -> None:
    sentry.answer(Reset("start"))
    with pytest.raises(ConnectionResetError):
        post(sentry)
    assert sentry.connections == 1
    assert sentry.requests == ()


def test_a_reset_after_the_request_has_read_it(sentry: LocalSentry) -> None:
    sentry.answer(Reset("request"))
    with pytest.raises(ConnectionResetError):
        post(sentry)
    (request,) = sentry.requests
    assert request.envelope is not None
    assert request.status is None
    assert sentry.events == ()


def test_a_reset_in_the_answer_has_taken_what_came(sentry: LocalSentry) -> None:
    sentry.answer(Reset("answer"))
    with pytest.raises(ConnectionResetError):
        post(sentry)
    assert sentry.requests[0].status == 200
    assert sentry.events == ({"message": "hi"},)


def test_after_a_reset_the_next_connection_is_served(sentry: LocalSentry) -> None:
    sentry.answer(Reset())
    with pytest.raises(ConnectionResetError):
        post(sentry)
    assert post(sentry).status == 200
    assert sentry.connections == 2


def test_a_hang_ends_when_the_client_leaves(sentry: LocalSentry) -> None:
    sentry.answer(Hang())
    with connect(sentry) as connection:
        connection.request("POST", "/api/1/envelope/", b"{}")
        sentry.wait_for(lambda: sentry.requests)
        assert sentry.requests[0].status is None
        assert sentry.open_connections == 1
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_what_a_client_sends_into_a_hang_is_thrown_away(sentry: LocalSentry) -> None:
    sentry.answer(Hang())
    request = b"POST /api/1/envelope/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
    assert raw(sentry, request * 3) == b""
    assert len(sentry.requests) == 1


def test_a_refused_request_is_refused_whatever_was_told(sentry: LocalSentry) -> None:
    sentry.answer(Answer(200, delay=3600))
    assert post(sentry, b"nonsense").status == 400
    assert post(sentry).status == 200
