"""The server's life, its connections, and what it shows."""

from __future__ import annotations

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from asyncsentry.testing import Answer, Hang, LocalSentry
from testing.client import AUTH, HEADERS, KEY, address, connect, event_envelope, post, send

REPORT = b'{}\n{"type":"client_report"}\n{"discarded_events":[]}\n'


def test_a_dsn_names_the_server(sentry: LocalSentry) -> None:
    host, port = address(sentry)
    assert host == "127.0.0.1"
    assert sentry.url == f"http://127.0.0.1:{port}/api/1/envelope/"
    assert sentry.dsn == f"http://{KEY}@127.0.0.1:{port}/1"
    assert sentry.dsn_for("threaded") == f"threaded+{sentry.dsn}"
    assert sentry.dsn_for("urllib", timeout=2.5, ca_certs="/a b") == f"urllib+{sentry.dsn}?timeout=2.5&ca_certs=%2Fa+b"
    assert repr(sentry) == f"<LocalSentry {sentry.url}>"


def test_a_request_is_shown_as_it_came(sentry: LocalSentry) -> None:
    before = time.time()
    post(sentry, headers=AUTH | {"User-Agent": "tests/1.0"})
    (request,) = sentry.requests
    assert request.method == "POST"
    assert request.path == "/api/1/envelope/"
    assert request.headers["user-agent"] == "tests/1.0"
    assert request.body == request.raw_body == event_envelope()
    assert before <= request.received_at <= time.time()
    assert request.connection == 1
    assert request.envelope == sentry.envelopes[0]
    assert request.error is None
    assert request.accepted


def test_events_and_client_reports_are_told_apart(sentry: LocalSentry) -> None:
    post(sentry, event_envelope("one"))
    post(sentry, REPORT)
    post(sentry, event_envelope("two"))
    assert sentry.events == ({"message": "one"}, {"message": "two"})
    assert sentry.client_reports == ({"discarded_events": []},)
    assert len(sentry.envelopes) == 3


def test_connections_are_kept_alive_and_counted(sentry: LocalSentry) -> None:
    with connect(sentry) as one, connect(sentry) as other:
        for connection in (one, one, other):
            assert send(connection).status == 200
        assert [request.connection for request in sentry.requests] == [1, 1, 2]
        assert sentry.connections == sentry.open_connections == 2
    sentry.wait_for(lambda: sentry.open_connections == 0)
    assert sentry.connections == 2


def test_dropped_connections_are_closed_when_the_call_returns(sentry: LocalSentry) -> None:
    with connect(sentry) as connection:
        send(connection)
        sentry.drop_connections()
        assert sentry.open_connections == 0
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)):
            send(connection)
        connection.close()
        assert send(connection).status == 200
    assert sentry.connections == 2


@pytest.mark.parametrize("reply", [Hang(), Answer(delay=3600), Answer(slow_body=3600)])
def test_stop_ends_requests_that_are_being_served(reply: Hang | Answer) -> None:
    threads = threading.active_count()
    with LocalSentry() as sentry, connect(sentry) as connection, connect(sentry) as idle:
        sentry.always(reply)
        idle.connect()
        connection.request("POST", "/api/1/envelope/", event_envelope(), AUTH)
        sentry.wait_for(lambda: sentry.requests and sentry.open_connections == 2)
        began = time.monotonic()
        sentry.stop()
        assert time.monotonic() - began < 10
        assert sentry.open_connections == 0
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            connection.getresponse().read()
    assert threading.active_count() == threads


def test_stop_ends_a_large_answer_that_nobody_reads(sentry: LocalSentry) -> None:
    sentry.always(Answer(body=b"x" * 50_000_000))
    with connect(sentry) as connection:
        connection.request("POST", "/api/1/envelope/", event_envelope(), AUTH)
        sentry.wait_for_events(1)
        sentry.stop()
    assert sentry.open_connections == 0


def test_a_stopped_server_is_out_of_reach_and_still_shows_what_it_got() -> None:
    with LocalSentry() as sentry:
        post(sentry)
    sentry.stop()
    assert sentry.events == ({"message": "hi"},)
    with pytest.raises(ConnectionRefusedError):
        post(sentry)


def test_a_server_can_be_started_again_where_it_was() -> None:
    with LocalSentry() as before:
        pass
    with LocalSentry(port=before.port) as again:
        assert again.dsn == before.dsn
        assert post(again).status == 200
    assert (len(before.requests), len(again.requests)) == (0, 1)


def test_whoever_was_told_200_while_the_server_stopped_is_recorded() -> None:
    with LocalSentry() as sentry, ThreadPoolExecutor(4) as pool:

        def knock(_: int) -> bool:
            try:
                return post(sentry).status == 200
            except (OSError, http.client.HTTPException):
                return False

        knocking = pool.map(knock, range(200))
        sentry.wait_for_events(10)
        sentry.stop()
        assert sum(knocking) <= len(sentry.events)


def test_many_clients_are_served_at_once(sentry: LocalSentry) -> None:
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda number: post(sentry, event_envelope(str(number))), range(100)))
    assert {answer.status for answer in said} == {200}
    assert {event["message"] for event in sentry.events} == {str(number) for number in range(100)}
    assert len({request.connection for request in sentry.requests}) == 100


def test_waiting_ends_with_the_event_that_was_waited_for(sentry: LocalSentry) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(sentry.wait_for_events, 2, 20)
        post(sentry, event_envelope("one"))
        post(sentry, REPORT)
        assert not waiting.done()
        post(sentry, event_envelope("two"))
        assert waiting.result() == ({"message": "one"}, {"message": "two"})


def test_what_is_already_there_is_not_waited_for(sentry: LocalSentry) -> None:
    post(sentry)
    assert sentry.wait_for_events(1, timeout=0) == ({"message": "hi"},)


def test_waiting_in_vain_says_that_nothing_arrived(sentry: LocalSentry) -> None:
    with pytest.raises(TimeoutError, match=r"waited 0\.01 s for 1 events in vain\. No request arrived, on 0 connect"):
        sentry.wait_for_events(1, timeout=0.01)


def test_waiting_in_vain_lists_what_did_arrive(sentry: LocalSentry) -> None:
    sentry.answer(Answer(), Answer(), Hang())
    post(sentry)
    post(sentry, HEADERS)
    with connect(sentry) as connection:
        connection.request("POST", "/api/1/envelope/", REPORT, AUTH)
        sentry.wait_for(lambda: len(sentry.requests) == 3)
        post(sentry, b"nonsense", path="/api/1/envelope/?x=1")
        with pytest.raises(TimeoutError) as caught:
            sentry.wait_for_events(2, timeout=0.01)
    _, *listed = str(caught.value).splitlines()
    assert listed == [
        "  POST /api/1/envelope/ -> 200: event",
        "  POST /api/1/envelope/ -> 200: no items",
        "  POST /api/1/envelope/ -> no answer: client_report",
        "  POST /api/1/envelope/?x=1 -> 400: invalid envelope header: not an object alone on its line",
    ]


def test_a_predicate_may_ask_the_server_anything(sentry: LocalSentry) -> None:
    with pytest.raises(TimeoutError, match="for a miracle in vain"):
        sentry.wait_for(lambda: sentry.events and sentry.connections, 0.01, what="a miracle")
    with connect(sentry) as connection:
        connection.connect()
        sentry.wait_for(lambda: sentry.connections)
