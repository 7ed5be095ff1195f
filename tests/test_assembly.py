"""What an event says: of what happened, of what is known here, of the whole program."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from datetime import datetime, timezone
from typing import Any

import pytest

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.item import EVENT_LIMIT
from asyncsentry.scope import Scope
from asyncsentry.testing import LocalSentry
from asyncsentry.version import SDK
from conftest import OpenClient


def last(sentry: LocalSentry) -> dict[str, Any]:
    return sentry.events[-1]


def test_every_event_says_what_is_true_of_the_whole_program(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(release="app@1.2", environment=" staging ", dist="7", server_name="web-1")
    for _ in range(2):  # the first, too
        client.capture_message("text")
        event = last(sentry)
        assert event["platform"] == "python"
        assert event["sdk"] == SDK
        assert (event["release"], event["environment"], event["dist"]) == ("app@1.2", "staging", "7")
        assert event["server_name"] == "web-1"
        assert "pytest" in event["modules"]
        assert event["contexts"].keys() == {"runtime", "os", "device", "trace"}


def test_without_a_word_the_machine_is_named_and_the_environment_is_production(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    open_client().capture_message("text")
    assert last(sentry)["server_name"] == os.uname().nodename
    assert last(sentry)["environment"] == "production"
    open_client(server_name="", release="").capture_message("text")
    assert not {"server_name", "release"} & last(sentry).keys()


def test_a_release_is_found_out_in_time_for_the_first_event(
    open_client: OpenClient, sentry: LocalSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEROKU_SLUG_COMMIT", "abc123")
    client = open_client()
    client.capture_message("text")
    assert last(sentry)["release"] == "abc123"


def test_an_error_has_its_kind_its_thread_and_its_level(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    client.capture_exception(KeyError("k"))
    event = last(sentry)
    (value,) = event["exception"]["values"]
    assert (value["type"], value["value"]) == ("KeyError", "'k'")
    assert value["mechanism"] == {"type": "generic", "handled": True}
    (thread,) = event["threads"]["values"]
    assert thread["id"] == value["thread_id"] == str(threading.get_ident())
    assert (thread["current"], thread["crashed"]) == (True, False)
    assert event["level"] == "error"


def test_an_error_that_nobody_handled_crashed_its_thread(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    client.report(KeyError(), Mechanism("hook", handled=False), event={"level": "fatal", "logger": "mine"})
    event = last(sentry)
    assert event["threads"]["values"][0]["crashed"] is True
    assert (event["level"], event["logger"]) == ("fatal", "mine")


def test_an_event_carries_all_that_its_scopes_say(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    with client.isolation_scope():
        client.get_global_scope().set_tag("everywhere", 1)
        client.set_tag("tag", "t" * 300)
        client.set_tags({"number": 1, "a b": True, "none": None})
        client.set_extra("password", "secret")
        client.set_extra("shown", "yes")
        client.set_context("mine", {"name": "value"})
        client.set_user({"id": 7, "email": "a@b.c"})
        client.set_fingerprint(["{{ default }}", 5])  # type: ignore[list-item]
        client.set_transaction_name("GET /" + "x" * 300)
        client.capture_message("text")
    event = last(sentry)
    assert event["tags"] == {"everywhere": "1", "tag": "t" * 197 + "...", "number": "1", "a-b": "True"}
    assert event["extra"] == {"password": "[Filtered]", "shown": "yes"}
    assert event["contexts"]["mine"] == {"name": "value"}
    assert event["user"] == {"id": "7", "email": "a@b.c"}
    assert event["fingerprint"] == ["{{ default }}", "5"]
    assert len(event["transaction"]) == 200


def test_what_a_capture_adds_is_for_its_event_alone(open_client: OpenClient, sentry: LocalSentry) -> None:
    client, scope = open_client(), Scope()
    client.set_tag("known", 1)
    scope.set_tag("scope", 2)
    client.capture_exception(
        KeyError(),
        scope=scope,
        tags={"own": 3},
        extras={"e": 4},
        user={"id": "5"},
        level="warning",
        contexts={"c": {"d": 6}},
        fingerprint=["f"],
    )
    event = last(sentry)
    assert event["tags"] == {"known": "1", "scope": "2", "own": "3"}
    assert (event["extra"], event["user"], event["level"]) == ({"e": 4}, {"id": "5"}, "warning")
    assert (event["contexts"]["c"], event["fingerprint"]) == ({"d": 6}, ["f"])
    client.capture_message("the next")
    assert last(sentry)["tags"] == {"known": "1"}


@pytest.mark.parametrize(
    ("argument", "scope", "expected"),
    [
        (None, None, "info"),
        (None, "warning", "warning"),
        ("fatal", "warning", "fatal"),
        ("WARN", None, "warning"),
        (logging.CRITICAL, None, "fatal"),
        ("nonsense", None, "info"),
        ("nonsense", "debug", "debug"),
        (object(), "nonsense", "info"),
    ],
)
def test_a_message_has_the_level_that_is_given_or_known(
    argument: Any, scope: Any, expected: str, open_client: OpenClient, sentry: LocalSentry
) -> None:
    client = open_client()
    client.set_level(scope)
    client.capture_message("text", argument)
    assert last(sentry)["level"] == expected


@pytest.mark.wrong_on_purpose
def test_an_event_that_somebody_made_is_completed(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    client.set_tags({"known": 1, "both": 1})
    client.set_user({"id": "1", "name": "n"})
    made = {
        "event_id": "A" * 8 + "-" + "A" * 4 + "-4AAA-8AAA-" + "A" * 12,
        "timestamp": datetime(2024, 1, 2, tzinfo=timezone.utc),
        "message": "text",
        "tags": {"both": 2},
        "extra": {"e": 1},
        "user": {"id": "2"},
        "contexts": {"mine": {"name": 1}, "none": 5},
        "exception": {"values": [{"type": "Mine", "value": "v"}]},
        "request": {"url": "http://host/", "headers": [("Accept", "shown")]},
        "nothing": None,
        7: "seven",
    }
    event_id = client.capture_event(made)  # type: ignore[arg-type]
    event = last(sentry)
    assert event["event_id"] == event_id == "a" * 12 + "4aaa8aaa" + "a" * 12
    assert event["timestamp"] == 1704153600.0
    assert event["logentry"] == {"message": "text", "formatted": "text"}
    assert event["tags"] == {"known": "1", "both": "2"}
    assert event["user"] == {"id": "2", "name": "n"}
    assert event["contexts"]["mine"] == {"name": 1}
    assert event["request"] == {"url": "http://host/", "headers": [["Accept", "shown"]]}
    assert (event["level"], event["7"]) == ("error", "seven")
    assert not {"nothing", "none", "threads"} & (event.keys() | event["contexts"].keys())


@pytest.mark.wrong_on_purpose
def test_a_request_that_is_none_is_sent_as_it_is(open_client: OpenClient, sentry: LocalSentry) -> None:
    open_client().capture_event({"message": "text", "request": "GET /"})
    assert last(sentry)["request"] == "GET /"


@pytest.mark.wrong_on_purpose
def test_a_logger_is_named_in_one_line(open_client: OpenClient, sentry: LocalSentry) -> None:
    for logger in ("shop\r\norders", 5):
        open_client().capture_event({"message": "text", "logger": logger})
    assert [event["logger"] for event in sentry.events] == ["shop orders", 5]


def test_tags_given_as_pairs_stay_pairs(open_client: OpenClient, sentry: LocalSentry) -> None:
    open_client().capture_event({"message": "text", "tags": [("a", "1")]})
    assert last(sentry)["tags"] == [["a", "1"]]


@pytest.mark.parametrize(
    ("message", "params", "expected"),
    [
        ("%s of %d", ("one", 2), {"message": "%s of %d", "params": ["one", 2], "formatted": "one of 2"}),
        ("plain", None, {"message": "plain", "formatted": "plain"}),
    ],
)
def test_a_message_with_params_is_grouped_by_its_template(
    message: str, params: object, expected: dict[str, Any], open_client: OpenClient, sentry: LocalSentry
) -> None:
    open_client().report_message(message, params, level="warning", event={"logger": "mine"})
    event = last(sentry)
    assert (event["logentry"], event["level"], event["logger"]) == (expected, "warning", "mine")


def test_a_message_that_is_formatted_already_keeps_its_template(open_client: OpenClient, sentry: LocalSentry) -> None:
    logentry = {"message": "%s", "params": ["p"], "formatted": "its own way"}
    open_client().capture_event({"logentry": logentry})
    assert last(sentry)["logentry"] == logentry


def caller(client: Client[Any], **options: Any) -> None:
    client.report_message("text", level="info", **options)


def test_a_message_carries_the_stack_of_its_call_where_that_is_asked_for(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    caller(open_client())
    assert "threads" not in last(sentry)
    for client, options in ((open_client(attach_stacktrace=True), {}), (open_client(), {"stack": True})):
        caller(client, **options)
        (thread,) = last(sentry)["threads"]["values"]
        assert thread["stacktrace"]["frames"][-1]["function"] == "caller"
        assert thread["crashed"] is False


def test_all_events_of_some_work_are_of_one_trace(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()

    def captured() -> tuple[Any, Any]:
        client.capture_message("text")
        envelope = sentry.envelopes[-1]
        trace = last(sentry)["contexts"]["trace"]
        assert envelope.headers["trace"]["trace_id"] == trace["trace_id"]
        assert envelope.headers["trace"]["public_key"] == "a" * 32
        assert envelope.headers["trace"]["environment"] == "production"
        return trace["trace_id"], trace["span_id"]

    first = captured()
    client.set_tag("a", 1)
    assert captured() == first
    with client.isolation_scope():
        second = captured()
        with client.new_scope():
            assert captured() == second
    assert second[0] != first[0]
    assert captured() == first


@pytest.mark.wrong_on_purpose
@pytest.mark.parametrize("contexts", [None, [], {}, {"trace": None}, {"trace": {"trace_id": 5}}])
def test_an_event_without_a_trace_is_sent_all_the_same(
    contexts: Any, open_client: OpenClient, sentry: LocalSentry
) -> None:
    client = open_client(before_send=lambda event, hint: {**event, "contexts": contexts})
    assert client.capture_message("text")
    assert "trace_id" not in sentry.envelopes[-1].headers["trace"]


@pytest.mark.wrong_on_purpose
@pytest.mark.parametrize("given", [datetime(2024, 1, 2, tzinfo=timezone.utc), 1704153600, "2024-01-02T00:00:00Z"])
def test_before_send_may_say_another_time(given: Any, open_client: OpenClient, sentry: LocalSentry) -> None:
    open_client(before_send=lambda event, hint: {**event, "timestamp": given}).capture_message("text")
    assert last(sentry)["timestamp"] in (1704153600.0, "2024-01-02T00:00:00Z")


def test_before_send_cannot_lose_an_events_time_or_id(open_client: OpenClient, sentry: LocalSentry) -> None:
    event_id = open_client(before_send=lambda event, hint: {"message": "all else is gone"}).capture_message("text")
    assert last(sentry)["event_id"] == event_id
    assert isinstance(last(sentry)["timestamp"], float)


def test_an_event_that_is_too_large_is_cut(open_client: OpenClient, sentry: LocalSentry) -> None:
    def before_send(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        event["extra"] = {str(number): "x" * 100_000 for number in range(20)}
        return event

    client = open_client(before_send=before_send)
    client.add_attachment(b"a" * 10, filename="a")
    client.capture_message("text")
    event = last(sentry)
    assert len(json.dumps(event)) <= EVENT_LIMIT
    assert event["logentry"]["formatted"] == "text"
    assert [item.type for item in sentry.envelopes[-1].items] == ["event", "attachment"]


def test_an_event_is_cut_to_the_size_that_was_chosen(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(max_event_bytes=20_000)
    client.set_extra("large", ["x" * 1000] * 10)
    client.set_context("larger", {str(number): "y" * 1000 for number in range(20)})
    client.capture_message("text")
    assert len(json.dumps(last(sentry))) <= 20_000
    assert last(sentry)["logentry"]["formatted"] == "text"
    assert set(last(sentry)["_meta"]) <= {"extra", "contexts", "modules"}


def test_the_application_chooses_how_much_of_it_is_shown(open_client: OpenClient, sentry: LocalSentry) -> None:
    def fail() -> None:
        numbers, nested = list(range(10)), [[[1]]]
        raise ValueError(str(len(numbers) + len(nested)))

    def shown(**options: Any) -> dict[str, Any]:
        client = open_client(**options)
        try:
            fail()
        except ValueError as error:
            client.capture_exception(error)
        variables: dict[str, Any] = last(sentry)["exception"]["values"][-1]["stacktrace"]["frames"][-1]["vars"]
        return variables

    assert shown() == {"numbers": list(range(10)), "nested": [[[1]]]}
    assert shown(max_breadth=2)["numbers"] == [0, 1, "... 8 more"]
    assert shown(max_depth=2)["nested"] == ["<list of 1>"]


def test_the_application_chooses_how_many_values_are_shown(open_client: OpenClient, sentry: LocalSentry) -> None:
    def fail() -> None:
        numbers = {str(number): [number, number] for number in range(60)}
        raise ValueError(str(len(numbers)))

    def shown(**options: Any) -> list[Any]:
        client = open_client(max_breadth=60, **options)
        try:
            fail()
        except ValueError as error:
            client.capture_exception(error)
        variables = last(sentry)["exception"]["values"][-1]["stacktrace"]["frames"][-1]["vars"]
        return list(variables["numbers"].values())

    assert shown() == [[number, number] for number in range(60)]
    few = shown(max_event_values=100)
    assert few[0] == [0, 0]
    assert few[-1] == "<list of 2>"


def test_many_large_breadcrumbs_are_no_event_too_large(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(max_value_length=100_000)
    for _ in range(100):
        client.add_breadcrumb(message="m", data={"large": "x" * 50_000})
    assert client.capture_message("text")
    assert len(json.dumps(last(sentry))) <= EVENT_LIMIT
    assert client.losses == {}


class Slow:
    """Takes all the patience that there is for the values of one event."""

    def __repr__(self) -> str:
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass
        return "slow"


def test_no_message_is_lost_to_what_a_scope_holds(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    client.set_extra("slow", Slow())
    client.capture_exception(OSError(2, "No such file", "/etc/x"))
    assert last(sentry)["exception"]["values"][0]["value"] == "[Errno 2] No such file: '/etc/x'"


def test_what_a_scope_holds_that_is_given_besides_is_there_once(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    with client.new_scope() as scope:
        scope.add_attachment(b"abc", filename="a.txt")
        scope.add_breadcrumb(message="here")
        client.get_isolation_scope().add_breadcrumb(message="there")
        other = scope.fork()
        other.add_breadcrumb(message="elsewhere")
        for given in (scope, other):
            client.capture_message("text", scope=given)
    told = [[crumb["message"] for crumb in event["breadcrumbs"]["values"]] for event in sentry.events]
    assert told == [["there", "here"], ["there", "here", "elsewhere"]]
    assert [[item.type for item in envelope.items] for envelope in sentry.envelopes] == [["event", "attachment"]] * 2
