"""What goes wrong in a web application is reported once, and is what it was."""

from __future__ import annotations

import pytest

from integrations.serving import Shop, mechanism, outline


def test_a_request_in_which_nothing_goes_wrong_sends_nothing(shop: Shop) -> None:
    answer = shop.ask("GET", "/fine")
    assert (answer.status, answer.body, answer.event_id) == (200, b"fine", None)
    assert shop.news(0) == []


@pytest.mark.needs("fail")
def test_an_unhandled_error_is_reported_once_with_its_frames(shop: Shop) -> None:
    answer = shop.ask("GET", "/fail")
    (event,) = shop.news(1)
    assert answer.status == 500
    assert outline(event) == "Broken: fail"
    assert mechanism(event) == (shop.framework.mechanism, False)
    (error,) = event["exception"]["values"]
    *_, outer, inner = error["stacktrace"]["frames"]
    assert (outer["function"], inner["function"]) == ("fail", "_sell")
    assert outer["vars"] == {"what": "fail", "shelf": {"pears": 3}}


@pytest.mark.needs("event id of a crash")
def test_the_answer_to_a_request_that_failed_names_the_event(shop: Shop) -> None:
    answer = shop.ask("GET", "/fail")
    (event,) = shop.news(1)
    assert answer.event_id == event["event_id"]


def test_the_cause_of_an_error_stays_with_it(shop: Shop) -> None:
    assert shop.ask("GET", "/chained").status == 500
    (event,) = shop.news(1)
    cause, error = event["exception"]["values"]
    assert (cause["type"], cause["value"], error["type"], error["value"]) == (
        "ValueError",
        "cause",
        "Broken",
        "chained",
    )
    assert cause["mechanism"]["source"] == "__cause__"
    assert mechanism(event) == (shop.framework.mechanism, False)


def test_what_the_application_captures_itself_is_handled_and_named_in_the_answer(shop: Shop) -> None:
    answer = shop.ask("GET", "/handled")
    (event,) = shop.news(1)
    assert (answer.status, answer.event_id) == (200, event["event_id"])
    assert outline(event) == "ValueError: handled"
    assert mechanism(event) == ("generic", True)


@pytest.mark.parametrize(("path", "status"), [("/refused", 403), ("/no-such", 404), ("/excused", 404)])
def test_what_is_the_clients_mistake_is_no_error(shop: Shop, path: str, status: int) -> None:
    answer = shop.ask("GET", path)
    assert (answer.status, answer.event_id) == (status, None)
    assert shop.news(0) == []


@pytest.mark.needs("unavailable")
def test_an_error_that_the_framework_answers_for_the_application_is_handled(shop: Shop) -> None:
    answer = shop.ask("GET", "/unavailable")
    (event,) = shop.news(1)
    assert (answer.status, answer.event_id) == (503, event["event_id"])
    assert mechanism(event) == (shop.framework.mechanism, True)


@pytest.mark.needs("statuses")
def test_the_application_says_which_answers_are_failures(personal_shop: Shop) -> None:
    assert personal_shop.ask("GET", "/unavailable").status == 503
    assert personal_shop.news(0) == []
    answer = personal_shop.ask("GET", "/refused")
    (event,) = personal_shop.news(1)
    assert (answer.status, answer.event_id) == (403, event["event_id"])
    assert mechanism(event) == (personal_shop.framework.mechanism, True)


def test_the_applications_own_error_page_knows_the_event(shop: Shop) -> None:
    answer = shop.ask("GET", "/page")
    (event,) = shop.news(1)
    assert answer.status == 500
    assert answer.body.decode() == answer.event_id == event["event_id"]
    assert outline(event) == "Broken: page"
    assert mechanism(event)[1] is True


@pytest.mark.needs("middleware")
def test_an_error_in_the_applications_middleware_is_reported(shop: Shop) -> None:
    assert shop.ask("GET", "/middleware").status == 500
    (event,) = shop.news(1)
    assert outline(event) == "Broken: middleware"
    assert mechanism(event) == (shop.framework.mechanism, False)


@pytest.mark.needs("stream")
def test_an_error_after_the_answer_has_begun_is_reported(shop: Shop) -> None:
    answer = shop.ask("GET", "/stream")
    (event,) = shop.news(1)
    assert (answer.status, answer.body) == (200, b"begun")
    assert answer.complete == ("broken answers" in shop.framework.lacks)
    assert outline(event) == "Broken: stream"
    assert mechanism(event) == (shop.framework.mechanism, False)


@pytest.mark.needs("endless")
def test_that_a_client_goes_is_no_error(shop: Shop) -> None:
    with shop.connect() as connection:
        assert connection.begin("GET", "/endless") == b"more"
    (event,) = shop.news(1)
    assert outline(event) == "gone"


@pytest.mark.needs("background")
def test_an_error_in_a_background_task_is_reported(shop: Shop) -> None:
    assert shop.ask("GET", "/background").status == 200
    (event,) = shop.news(1)
    assert outline(event) == "Broken: background"
    assert mechanism(event)[1] is False


def test_a_timeout_that_the_application_handles_is_no_error(shop: Shop) -> None:
    assert shop.ask("GET", "/timeout").status == 200
    assert shop.news(0) == []


@pytest.mark.needs("socket")
def test_an_error_in_a_websocket_is_reported_with_what_was_said_before(shop: Shop) -> None:
    with shop.converse() as first, shop.converse() as second:
        for socket, number in ((first, "1"), (second, "2")):
            socket.say(f"tag {number}")
            assert socket.hear() == f"tag {number}"
        first.say("hello")
        assert first.hear() == "hello"
        first.say("fail")
        assert first.hear() is None
        (event,) = shop.news(1)
        second.say("still there")
        assert second.hear() == "still there"
    assert outline(event) == "Broken: socket"
    assert mechanism(event) == (shop.framework.mechanism, False)
    assert event["tags"] == {"number": "1"}
    assert event["request"]["url"].endswith("/socket")
    assert shop.news(0) == []  # that a client goes is no error
