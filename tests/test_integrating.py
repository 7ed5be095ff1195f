"""What integrations are built on: whose client they capture for, which answers are failures, the work in hand."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest

import asyncsentry
from asyncsentry import api
from asyncsentry.client import Client
from asyncsentry.errors import OptionError, SetupError
from asyncsentry.events.http import HttpRequest
from asyncsentry.events.work import Work
from asyncsentry.integrations._clients import choose
from asyncsentry.integrations._statuses import FAILED, statuses
from asyncsentry.scope import Scope
from asyncsentry.testing import LocalSentry
from conftest import OpenClient

JSON = ("Content-Type", "application/json")


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A program in which nobody has called `init` yet."""
    monkeypatch.setattr(api, "_default", api._Default())
    yield
    asyncsentry.close()


def post(data: object, **more: Any) -> Work:
    body = json.dumps(data).encode()
    request = HttpRequest("POST", "http://h/item/1", headers=[JSON], body=body, body_size=len(body))
    return Work(transaction="/item/{n}", request=request, **more)


# -- whose client


@pytest.mark.usefixtures("begun")
def test_what_is_given_makes_the_default_client(sentry: LocalSentry) -> None:
    clients = choose(sentry.dsn, environment="mine", transport="urllib")
    assert clients() is api.get_client()
    assert (clients().active, clients().options.environment) == (True, "mine")
    asyncsentry.init(sentry.dsn)
    assert clients() is api.get_client()  # whoever that is at the time


@pytest.mark.usefixtures("begun")
def test_with_nothing_given_init_is_called_once_if_nobody_has(
    sentry: LocalSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTRY_DSN", sentry.dsn)
    first = choose()()
    assert first.active
    assert choose()() is first
    assert choose(environment="other")() is not first


@pytest.mark.usefixtures("begun")
def test_whoever_wants_nothing_captured_is_not_overruled(sentry: LocalSentry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_DSN", sentry.dsn)
    asyncsentry.init("")
    assert not choose()().active


@pytest.mark.usefixtures("begun")
def test_a_client_is_used_as_it_is(open_client: OpenClient) -> None:
    client = open_client()
    assert choose(client=client)() is client
    assert not api.is_initialized()
    with pytest.raises(OptionError, match="options already"):
        choose(client=client, environment="mine")
    with pytest.raises(OptionError, match="of type str"):
        choose(client="https://a@b.example/1")  # type: ignore[arg-type]


@pytest.mark.usefixtures("begun")
def test_a_mistake_is_an_error_at_set_up(sentry: LocalSentry) -> None:
    for wrong in ({"dsn": "nonsense"}, {"sample_rate": 2}, {"no_such_option": 1}):
        with pytest.raises(SetupError):
            choose(**{"dsn": sentry.dsn, **wrong})  # type: ignore[arg-type]
    assert not api._default.begun


# -- which answers


@pytest.mark.parametrize("given", [range(500, 600), [500, 503], {HTTPStatus.BAD_GATEWAY, 500}, iter([500]), ()])
def test_statuses_are_numbers_that_answers_have(given: Any) -> None:
    found = statuses(given)
    assert (500 in found) is (given != ())
    assert 404 not in found
    assert 500 in statuses(FAILED)


@pytest.mark.parametrize("given", [500, None, "500", [99], [600], [True], [500.0], range(10**12), object()])
def test_other_things_are_an_error_at_set_up(given: Any) -> None:
    with pytest.raises(OptionError, match="from 100 to 599"):
        statuses(given)


# -- the work in hand


def test_an_event_says_what_the_work_in_hand_is(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(send_default_pii=True)
    work = post({"a": 1, "password": "x"}, user={"id": 1}, tags={"a": 1, "b": 1}, contexts={"job": {"c": 1}})
    with client.work_scope(lambda: work):
        client.set_tag("b", 2)
        client.set_context("mine", {"d": 1})
        client.capture_message("text")
        with client.isolation_scope(), client.new_scope():  # within it
            client.capture_message("within")
    client.capture_message("after")
    event, within, after = sentry.events
    assert event["transaction"] == within["transaction"] == "/item/{n}"
    assert event["transaction_info"] == {"source": "route"}
    assert event["request"]["data"] == {"a": 1, "password": "[Filtered]"}
    assert event["user"] == {"id": "1"}
    assert event["tags"] == {"a": "1", "b": "2"}
    assert (event["contexts"]["job"], event["contexts"]["mine"]) == ({"c": 1}, {"d": 1})
    assert not {"transaction", "request", "user"} & after.keys()


def test_what_the_application_says_itself_is_shown_instead(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(send_default_pii=True, max_request_body_size="small")
    with client.work_scope(lambda: post("x" * 1000, user={"id": 1, "email": "a@b.c"})):
        client.capture_event({"message": "its own", "request": {"url": "http://other/"}, "transaction": "other"})
        client.set_user({"id": 2})
        client.set_transaction_name("mine")
        client.capture_message("text")
    own, event = sentry.events
    assert own["request"] == {"url": "http://other/"}
    assert own["transaction"] == "other"
    assert not {"_meta", "transaction_info"} & own.keys()
    assert event["user"] == {"id": "2"}
    assert (event["transaction"], event["transaction_info"]) == ("mine", {"source": "custom"})
    assert event["request"]["data"] is None
    assert event["_meta"] == {"request": {"data": {"": {"rem": [["!config", "x"]], "len": 1002}}}}


@pytest.mark.parametrize(("size", "shown"), [("never", 0), ("small", 1_000), ("medium", 10_000), ("always", 100_000)])
def test_a_body_is_sent_up_to_the_size_that_an_option_says(
    open_client: OpenClient, sentry: LocalSentry, size: Any, shown: int
) -> None:
    client = open_client(send_default_pii=True, max_request_body_size=size, max_value_length=200_000)
    lengths = (2, 1_000, 1_001, 10_000, 10_001, 100_000)
    for length in lengths:
        with client.work_scope(lambda length=length: post("x" * (length - 2))):  # type: ignore[misc]
            client.capture_message("text")
    found = [len(event["request"].get("data") or "") for event in sentry.events]
    assert found == [length - 2 if length <= shown else 0 for length in lengths]
    assert [event["request"]["body_size"] for event in sentry.events] == list(lengths)


def test_no_body_is_sent_unasked(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(max_request_body_size="always")
    with client.work_scope(lambda: post({"a": 1}, user={"id": 1})):
        client.capture_message("text")
    (event,) = sentry.events
    assert event["request"].keys() == {"method", "url", "headers"}
    assert "user" not in event


def test_work_is_asked_for_only_when_an_event_is_made(open_client: OpenClient, sentry: LocalSentry) -> None:
    asked = []

    def describe() -> Work:
        asked.append(True)
        return Work(transaction="x")

    client = open_client()
    with client.work_scope(describe):
        client.set_tag("a", 1)
        client.add_breadcrumb(message="b")
        assert asked == []
        client.capture_message("text")
    assert asked == [True]


def slow() -> Work:
    time.sleep(0.06)
    return Work(transaction="slow")


def broken() -> Work:
    raise RuntimeError


@pytest.mark.parametrize(("describe", "name"), [(broken, None), (slow, "slow"), (lambda: 5, None)])
def test_an_event_is_sent_whatever_becomes_of_asking(
    open_client: OpenClient, sentry: LocalSentry, describe: Any, name: str | None
) -> None:
    client = open_client()
    with client.work_scope(describe):
        client.set_tag("a", 1)
        client.capture_exception(ValueError("x"))
    (event,) = sentry.events
    assert event.get("transaction") == name
    assert event["tags"] == {"a": "1"}
    assert client.losses == {}


HOSTILE = [
    HttpRequest("G{T", "http://user:pw@h/\x00\ud800", query="%ff=\ud800&&=&a;b", headers=[("", ""), ("\x00", "\n")]),
    HttpRequest("", "", headers=[("cookie", "nothing"), ("cookie", "=;=x;a=\xff"), ("A", "1"), ("a", "2")]),
    HttpRequest("POST", "::::", headers=[JSON], body=b"[" * 9_000, env={"REMOTE_ADDR": "nobody", "SERVER_PORT": "x"}),
    HttpRequest("POST", "/", headers=[JSON], body=b'{"a": NaN, "b": 1e999, "c": "\\ud800", "": {"": []}}'),
    HttpRequest("POST", "/", headers=[JSON], body=b"x" * 20_000),
    HttpRequest("POST", "/", headers=[JSON], body=b"1" + b"0" * 100, body_size=10**14),
    HttpRequest("POST", "/", headers=[(f"X-{number}", "v") for number in range(5_000)], body={"password": {1: 2}}),
]


@pytest.mark.parametrize("request_", HOSTILE)
def test_what_a_client_sends_a_server_makes_no_event_that_is_refused(
    open_client: OpenClient, sentry: LocalSentry, request_: HttpRequest
) -> None:
    """The fixture ``sentry`` has it judged by Sentry's own normalizer, where that is installed."""
    client = open_client(send_default_pii=True)
    work = Work("a\n\ud800", "url", request_, {"ip_address": "x"}, {"": {}}, {"": "", "a": "\ud800"})
    with client.work_scope(lambda: work):
        client.capture_message("text")
    assert len(sentry.events) == 1
    assert "pw" not in json.dumps(sentry.events)


def test_a_description_stays_with_the_work(open_client: OpenClient) -> None:
    class Empty:
        def __call__(self) -> Work:
            return Work()

        def __len__(self) -> int:
            return 0

    describe, other = Empty(), Empty()
    scope = Scope()
    scope.describe = describe
    scope.clear()
    fork = scope.fork()
    fork.update(Scope())
    assert fork.describe is scope.describe is describe
    with open_client().work_scope(describe) as work, open_client().scopes.isolation_scope() as elsewhere:
        assert (work.describe, elsewhere.describe) == (describe, None)
    client = open_client()
    with client.work_scope(describe), client.isolation_scope() as inner, client.work_scope(other) as innermost:
        assert inner.describe is describe
        assert innermost.describe is other


def test_what_was_noted_around_work_led_to_nothing_in_it_but_what_was_noted_in_it_did(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    client = open_client()
    client.add_breadcrumb(message="before")
    with client.work_scope(Work):
        client.add_breadcrumb(message="request")
        with client.work_scope(Work):
            client.add_breadcrumb(message="job")
            client.capture_message("text")
    client.capture_message("after")
    found = [[crumb["message"] for crumb in event["breadcrumbs"]["values"]] for event in sentry.events]
    assert found == [["request", "job"], ["before"]]


# -- when a loop begins


def test_what_was_captured_before_the_loop_is_sent_from_there_without_another_capture(sentry: LocalSentry) -> None:
    client: Client[Any] = Client(sentry.dsn_for("asyncio"))
    client.capture_message("early")

    async def main() -> None:
        client.wake()
        await asyncio.to_thread(sentry.wait_for_events, 1, 10.0)

    asyncio.run(main())
    client.close()


def test_to_wake_a_client_that_has_nothing_to_send_is_nothing(sentry: LocalSentry) -> None:
    for client in (Client(""), Client(sentry.dsn_for("urllib"))):
        client.wake()
        client.close()
        client.wake()
    assert not sentry.requests
