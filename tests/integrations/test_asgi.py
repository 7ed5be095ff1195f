"""Any ASGI application: what of it is reported, and that nothing else of it is changed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import trio

import asyncsentry
from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.hooks.logging import install
from asyncsentry.integrations.asgi import SentryMiddleware
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.calling import Application, Call, Message, Receive, Scope, Send, call, http, lifespan, websocket
from integrations.programs.shop import Broken
from integrations.serving import mechanism, outline

HANDLED, UNHANDLED = ("asgi", True), ("asgi", False)
START: MutableMapping[str, Any] = {"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]}
END: MutableMapping[str, Any] = {"type": "http.response.body", "body": b"done"}


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


def failing(error: BaseException) -> Application:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    return app


def answering(error: Exception, status: int) -> Application:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            raise error
        except Exception:
            await send({**START, "status": status})
            await send(END)

    return app


async def capturing(scope: Scope, receive: Receive, send: Send) -> None:
    """Captures for whoever watches: tests hand in the client as the server's state."""
    scope["client_of_test"].capture_message("hello")
    await send(START)
    await send(END)


# Errors


@pytest.mark.parametrize("scope", [http(), websocket()], ids=["http", "websocket"])
def test_what_is_raised_is_reported_and_goes_on_as_it_is(
    client: Client[Any], sentry: LocalSentry, scope: Scope
) -> None:
    error = Broken("raised")
    called = call(SentryMiddleware(failing(error), client=client), scope)
    assert called.raised is error
    assert (error.__cause__, error.__context__) == (None, None)
    (event,) = sentry.events
    assert (outline(event), mechanism(event)) == ("Broken: raised", UNHANDLED)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()], ids=repr)
def test_what_is_no_exception_is_none(client: Client[Any], sentry: LocalSentry, error: BaseException) -> None:
    with pytest.raises(type(error)):
        call(SentryMiddleware(failing(error), client=client), http())
    assert sentry.events == ()


@pytest.mark.parametrize(("status", "count"), [(500, 1), (599, 1), (404, 0), (200, 0)])
def test_an_error_that_is_answered_is_reported_if_the_status_says_that_it_is_one(
    client: Client[Any], sentry: LocalSentry, status: int, count: int
) -> None:
    called = call(SentryMiddleware(answering(Broken("answered"), status), client=client), http())
    assert called.status == status
    assert [mechanism(event) for event in sentry.events] == [HANDLED] * count
    assert [called.event_id] == ([event["event_id"] for event in sentry.events] or [None])


def test_which_statuses_those_are_can_be_said(client: Client[Any], sentry: LocalSentry) -> None:
    app = answering(Broken("answered"), 404)
    call(SentryMiddleware(app, client=client, failed_request_status_codes={404, 503}), http())
    assert [mechanism(event) for event in sentry.events] == [HANDLED]
    for wrong in (500, ["500"], [99]):
        with pytest.raises(OptionError, match="failed_request_status_codes"):
            SentryMiddleware(app, client=client, failed_request_status_codes=wrong)  # type: ignore[arg-type]


def test_an_error_that_was_there_before_is_not_the_requests(client: Client[Any], sentry: LocalSentry) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**START, "status": 500})

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            raise Broken("before")
        except Broken:
            await SentryMiddleware(app, client=client)(scope, receive, send)

    assert call(outer, http()).status == 500
    assert sentry.events == ()


def test_a_refused_websocket_is_answered_like_a_request(client: Client[Any], sentry: LocalSentry) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            raise Broken("refused")
        except Broken:
            await send({"type": "websocket.http.response.start", "status": 503, "headers": []})

    called = call(SentryMiddleware(app, client=client), websocket("/chat"))
    (event,) = sentry.events
    assert (called.status, called.event_id) == (503, event["event_id"])
    assert event["request"]["url"] == "ws://shop.test/chat"


def test_a_client_that_is_gone_is_no_error_for_the_logging_hook_either(
    client: Client[Any], sentry: LocalSentry
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)

    uninstall = install(client)
    try:
        called = call(SentryMiddleware(app, client=client), http(), gone=True)
        assert isinstance(called.raised, OSError)
        logging.getLogger("server").error("an error", exc_info=called.raised)
    finally:
        uninstall()
    assert sentry.events == ()


# Answers, bodies, requests


def test_an_answer_names_the_last_event_and_is_otherwise_what_it_was(client: Client[Any], sentry: LocalSentry) -> None:
    called = call(SentryMiddleware(capturing, client=client), http(client_of_test=client))
    (event,) = sentry.events
    assert called.headers == {"x": "y", "x-sentry-id": event["event_id"]}
    assert called.body == "done"
    assert START["headers"] == [(b"x", b"y")]


def test_an_answer_may_have_no_headers(client: Client[Any]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        client.capture_message("hello")
        await send({"type": "http.response.start", "status": 200})

    assert call(SentryMiddleware(app, client=client), http()).event_id is not None


def test_the_answer_of_a_request_in_a_request_names_its_own_event(client: Client[Any], sentry: LocalSentry) -> None:
    inner = SentryMiddleware(capturing, client=client)
    called = call(SentryMiddleware(inner, client=client), http(client_of_test=client))
    (event,) = sentry.events
    assert [name for name, _ in called.said[0]["headers"]] == [b"x", b"x-sentry-id"]
    assert called.event_id == event["event_id"]


def test_a_body_is_shown_as_far_as_it_was_read(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(send_default_pii=True, max_request_body_size="small")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(scope["chunks"]):
            await receive()
        raise Broken

    headers = [("content-type", "application/json")]
    told = [{"type": "http.request", "body": body, "more_body": True} for body in (b'{"a"', b": 1}", b"x" * 5000, b"")]
    for chunks in (0, 2, 4, 5):
        call(SentryMiddleware(app, client=client), http(method="POST", headers=headers, chunks=chunks), *told)
    shown = [(event["request"].get("data"), event["request"].get("body_size")) for event in sentry.events]
    assert shown[:2] == [(None, None), ({"a": 1}, 8)]
    assert [data for data, _ in shown[2:]] == [None, None]  # too long, whatever comes after it


@pytest.mark.parametrize(
    ("scope", "url", "env"),
    [
        (http("/a", root_path=""), "http://shop.test/a", {}),
        (http("/a", root_path="/root"), "http://shop.test/root/a", {}),
        (http("/root/a", root_path="/root", scheme="https"), "https://shop.test/root/a", {}),
        ({**http("/a"), "headers": []}, "http://localhost/a", {}),
        (
            {**http("/a", server=("::1", 80), client=("::2", 1)), "headers": []},
            "http://[::1]:80/a",
            {"SERVER_NAME": "::1", "SERVER_PORT": "80", "REMOTE_ADDR": "::2"},
        ),
        ({**http("/a", server=("/socket", None)), "headers": []}, "http:///socket/a", {"SERVER_NAME": "/socket"}),
        ({**http("/a", server=("host", 80)), "headers": []}, "http://host:80/a", {"SERVER_NAME": "host"}),
    ],
)
def test_a_request_is_told_as_the_server_knows_it(
    client: Client[Any], sentry: LocalSentry, scope: Scope, url: str, env: dict[str, str]
) -> None:
    call(SentryMiddleware(failing(Broken()), client=client), scope)
    (event,) = sentry.events
    assert event["request"]["url"] == url
    assert env.items() <= event["request"].get("env", {}).items()
    assert (event["transaction"], event["transaction_info"]) == (scope["path"], {"source": "url"})


# Whom it captures for


@pytest.fixture
def default_client() -> Iterator[None]:
    """What a test makes the default client is closed."""
    yield
    asyncsentry.close(5)


@pytest.mark.usefixtures("default_client")
def test_with_no_client_of_its_own_it_captures_for_the_default_one_which_it_makes_if_need_be(
    sentry: LocalSentry,
) -> None:
    app = SentryMiddleware(failing(Broken("first")), sentry.dsn_for("urllib"), release="1")
    call(app, http())
    asyncsentry.init(sentry.dsn_for("urllib"), release="2")
    call(SentryMiddleware(failing(Broken("second"))), http())
    call(app, http())
    assert [(outline(event), event["release"]) for event in sentry.events] == [
        ("Broken: first", "1"),
        ("Broken: second", "2"),
        ("Broken: first", "2"),
    ]


def test_a_client_has_its_options_already(client: Client[Any]) -> None:
    with pytest.raises(OptionError, match="already"):
        SentryMiddleware(capturing, client=client, release="1")


def test_a_client_that_captures_nothing_costs_an_application_nothing(open_client: OpenClient) -> None:
    given: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        given.extend((receive, send))

    called = call(SentryMiddleware(app, client=open_client("")), http())
    assert given == [called.receive, called.send]


def test_other_protocols_pass_through(client: Client[Any], sentry: LocalSentry) -> None:
    assert call(SentryMiddleware(failing(Broken()), client=client), {"type": "mqtt"}).raised is not None
    assert sentry.events == ()


# Lives


def life(*, start: Exception | None = None, end: Exception | None = None) -> Application:
    """An application that says how its start and its end went, and fails at either."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for stage, error in (("startup", start), ("shutdown", end)):
            await receive()
            try:
                if error is not None:
                    raise error
            except Exception:
                await send({"type": f"lifespan.{stage}.failed", "message": f"{stage}!"})
                raise
            await send({"type": f"lifespan.{stage}.complete"})

    return app


STARTUP, SHUTDOWN = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}


def test_a_life_without_failures_is_none_of_ours(client: Client[Any], sentry: LocalSentry) -> None:
    called = call(SentryMiddleware(life(), client=client), lifespan(), STARTUP, SHUTDOWN)
    assert [message["type"] for message in called.said] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert sentry.events == ()


@pytest.mark.parametrize("stage", ["start", "end"])
def test_a_failure_is_reported_before_the_server_learns_of_it(
    client: Client[Any], sentry: LocalSentry, stage: str
) -> None:
    arrived: list[int] = []

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        async def hear(message: Message) -> None:
            if message["type"].endswith("failed"):
                arrived.append(len(sentry.events))
                logging.getLogger("uvicorn.error").error(message["message"])
                raise ChildProcessError("Lifespan failure")  # as Hypercorn does
            await send(message)

        await SentryMiddleware(life(**{stage: Broken(stage)}), client=client)(scope, receive, hear)

    uninstall = install(client)
    try:
        called = call(server, lifespan(), STARTUP, SHUTDOWN)
        logging.getLogger("asyncio").error("it ends", exc_info=called.raised)
        logging.getLogger("uvicorn.error").error("Application startup failed. Exiting.")
        logging.getLogger("uvicorn.error").error("something else")
    finally:
        uninstall()
    assert isinstance(called.raised, ChildProcessError)
    assert arrived == [1]
    assert list(map(outline, sentry.events)) == [f"Broken: {stage}", "something else"]
    assert mechanism(sentry.events[0]) == UNHANDLED


def test_a_failure_without_an_error_is_the_servers_to_tell(client: Client[Any], sentry: LocalSentry) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    called = call(SentryMiddleware(app, client=client), lifespan(), STARTUP)
    assert called.said == [{"type": "lifespan.startup.failed", "message": "no"}]
    assert sentry.events == ()


def test_an_error_in_the_midst_of_a_life_is_reported(client: Client[Any], sentry: LocalSentry) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        raise Broken("alive")

    error = call(SentryMiddleware(app, client=client), lifespan(), STARTUP).raised
    assert isinstance(error, Broken)
    assert list(map(outline, sentry.events)) == ["Broken: alive"]


def test_an_application_that_wants_no_life_says_so_by_an_error(client: Client[Any], sentry: LocalSentry) -> None:
    assert call(SentryMiddleware(failing(Broken()), client=client), lifespan(), STARTUP).raised is not None
    assert sentry.events == ()


def test_an_application_may_live_on_trio(sentry: LocalSentry) -> None:
    client: Client[Any] = Client(sentry.dsn, transport="trio")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await life()(scope, receive, send)
        client.capture_message("after the end")

    try:
        client.capture_message("before the start")
        called = Call(SentryMiddleware(app, client=client), lifespan(), STARTUP, SHUTDOWN)
        assert trio.run(called.run).raised is None
        assert len(called.said) == 2
        assert "before the start" in list(map(outline, sentry.events))
    finally:
        client.close(5)
    assert list(map(outline, sentry.events)) == ["before the start", "after the end"]
