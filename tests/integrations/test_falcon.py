"""What is particular to Falcon: whose handler answers an error, ASGI, and where an application is watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import falcon
import falcon.asgi
import falcon.testing
import pytest

from asyncsentry import hooks
from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.integrations.falcon import setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.calling import Call, call, http, websocket
from integrations.programs.shop import Broken
from integrations.serving import mechanism, outline
from integrations.wsgi_calling import get

HANDLED, UNHANDLED = ("falcon", True), ("falcon", False)

BODY = {"type": "http.request", "body": b'{"fruit": "pears"}', "more_body": False}
JSON = ("content-type", "application/json")

# Any: what Falcon calls takes what it gives, and some of that is not there in a WebSocket.
Deed = Callable[..., Any]


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


class At:
    """A resource that does this when it is asked, in whatever way."""

    def __init__(self, deed: Deed) -> None:
        self._deed = deed

    def on_get(self, req: Any, resp: Any, **params: str) -> None:
        self._deed(req, resp, **params)


class Later(At):
    async def on_get(self, req: Any, resp: Any, **params: str) -> None:  # type: ignore[override]  # as ASGI has it
        await self._deed(req, resp, **params)

    async def on_post(self, req: Any, resp: Any) -> None:
        await self._deed(req, resp)

    async def on_websocket(self, req: Any, ws: Any, **params: str) -> None:
        await self._deed(req, ws, **params)


def fail(req: Any, resp: Any, place: str = "here") -> None:
    raise Broken(place)


async def fail_later(req: Any, resp: Any, place: str = "here") -> None:
    raise Broken(place)


def raising(error: Exception) -> Deed:
    """A deed, or a handler, that raises this."""

    def deed(*_: Any, **__: Any) -> None:
        raise error

    return deed


def answering(status: Any) -> Deed:
    """A handler that answers with this status."""

    def handle(req: Any, resp: Any, error: Any, params: Any) -> None:
        resp.status = status

    return handle


def application(deed: Deed = fail, *middleware: Any) -> Any:
    app = falcon.App(middleware=list(middleware))
    app.add_route("/at/{place}", At(deed))
    return app


def async_application(deed: Deed = fail_later, *middleware: Any) -> Any:
    app = falcon.asgi.App(middleware=list(middleware))
    app.add_route("/at/{place}", Later(deed))
    app.add_route("/here", Later(deed))
    return app


def outlines(sentry: LocalSentry) -> list[tuple[str, Any]]:
    return [(outline(event), mechanism(event)) for event in sentry.events]


# -- whose handler answers


@pytest.mark.parametrize("kind", [Exception, Broken])
@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize(("status", "reported"), [(500, True), ("503 Busy", True), (404, False), ("none", False)])
def test_an_error_that_a_handler_of_the_applications_answers_is_reported_by_its_status(
    client: Client[Any], sentry: LocalSentry, kind: type[Exception], order: str, status: Any, reported: bool
) -> None:
    app = application()
    if order == "before":
        app.add_error_handler(kind, answering(status))
    setup(app, client=client)
    if order == "after":
        app.add_error_handler(kind, answering(status))
    if status == "none":
        with pytest.raises(ValueError, match="none"):  # Falcon's own refusal, which nobody handles
            get(app, "/at/1")
        assert [kind for _, kind in outlines(sentry)] == [UNHANDLED]
        return
    page = get(app, "/at/1")
    assert page.event_id == (sentry.events[0]["event_id"] if reported else None)
    assert outlines(sentry) == ([("Broken: 1", HANDLED)] if reported else [])


def test_what_falcon_alone_answers_is_not_handled(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    setup(app, client=client, failed_request_status_codes=[])
    page = get(app, "/at/1")
    assert (page.status, page.event_id) == (500, sentry.events[0]["event_id"])
    assert outlines(sentry) == [("Broken: 1", UNHANDLED)]
    assert sentry.events[0]["transaction"] == "/at/{place}"


def test_what_falcon_logs_it_does_not_report_in_our_stead(client: Client[Any], sentry: LocalSentry) -> None:
    app = async_application()
    setup(app, client=client)
    unhook = hooks.logging.install(client)
    try:
        assert call(app, http("/at/1"), BODY).event_id == sentry.events[0]["event_id"]
    finally:
        unhook()
    assert outlines(sentry) == [("Broken: 1", UNHANDLED)]


def test_a_handler_may_pass_an_error_on(client: Client[Any], sentry: LocalSentry) -> None:
    def pass_on(req: Any, resp: Any, error: Exception, params: Any) -> None:
        raise error

    app = application()
    setup(app, client=client)
    app.add_error_handler(Broken, pass_on)
    with pytest.raises(Broken):
        get(app, "/at/1")
    assert outlines(sentry) == [("Broken: 1", UNHANDLED)]


def test_a_handler_may_make_an_answer_of_falcons_of_an_error(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    setup(app, client=client)
    app.add_error_handler(Broken, raising(falcon.HTTPServiceUnavailable()))
    assert get(app, "/at/1").status == 503
    app.add_error_handler(Broken, raising(falcon.HTTPNotFound()))
    assert get(app, "/at/2").status == 404
    assert outlines(sentry) == [("Broken: 1", HANDLED)]


def test_answers_that_are_raised_are_no_errors_whatever_their_status(client: Client[Any], sentry: LocalSentry) -> None:
    app = application(raising(falcon.HTTPStatus(503)))
    setup(app, client=client)
    assert get(app, "/at/1").event_id is None
    assert get(app, "/no/such").event_id is None
    assert sentry.events == ()


def test_the_application_says_which_answers_are_failures(client: Client[Any], sentry: LocalSentry) -> None:
    app = application(raising(falcon.HTTPForbidden()))
    setup(app, client=client, failed_request_status_codes={403})
    assert get(app, "/at/1").status == 403
    assert [mechanism(event) for event in sentry.events] == [HANDLED]


class Last:
    """Middleware that fails at the end."""

    def process_response(self, req: Any, resp: Any, resource: Any, req_succeeded: bool) -> None:
        raise Broken("last")

    async def process_response_async(self, req: Any, resp: Any, resource: Any, req_succeeded: bool) -> None:
        raise Broken("last")


def test_both_errors_of_a_request_that_fails_twice_are_reported(client: Client[Any], sentry: LocalSentry) -> None:
    app = application(fail, Last())
    setup(app, client=client)
    assert get(app, "/at/1").event_id == sentry.events[1]["event_id"]
    app = async_application(fail_later, Last())
    setup(app, client=client)
    assert call(app, http("/at/2"), BODY).event_id == sentry.events[3]["event_id"]
    names = ["Broken: 1", "Broken: last", "Broken: 2", "Broken: last"]
    assert outlines(sentry) == [(name, UNHANDLED) for name in names]


def test_a_request_without_a_route_is_named_by_its_path(client: Client[Any], sentry: LocalSentry) -> None:
    app = application(fail, Last())
    app.add_sink(fail, "/sink")
    setup(app, client=client)
    get(app, "/no/such", REMOTE_USER="ada")
    get(app, "/sink/7")
    named = [(event["transaction"], event["transaction_info"]["source"]) for event in sentry.events]
    assert named == [("/no/such", "url"), ("/sink/7", "url"), ("/sink/7", "url")]
    assert sentry.events[0]["user"]["username"] == "ada"


# -- ASGI


def test_server_sent_events_that_fail_are_reported(client: Client[Any], sentry: LocalSentry) -> None:
    async def emit() -> AsyncIterator[falcon.asgi.SSEvent]:
        yield falcon.asgi.SSEvent(text="begun")
        raise Broken("events")

    async def answer(req: Any, resp: Any, place: str) -> None:
        resp.sse = emit()

    class Waiting(Call):
        async def receive(self) -> Any:
            return next(self._told, None) or await asyncio.Event().wait()

    app = async_application(answer)
    setup(app, client=client)
    asked = asyncio.run(Waiting(app, http("/at/1"), BODY).run())
    assert asked.body == "data: begun\n\n"
    assert isinstance(asked.raised, Broken)
    assert outlines(sentry) == [("Broken: events", UNHANDLED)]


@pytest.mark.parametrize(
    ("error", "closed", "reported"),
    [
        (Broken("socket"), 1011, [UNHANDLED]),
        (falcon.HTTPServiceUnavailable(), 3503, [HANDLED]),
        (falcon.HTTPForbidden(), 3403, []),
        (falcon.HTTPStatus(503), 3503, []),
        (falcon.WebSocketDisconnected(1001), None, []),
        (ZeroDivisionError("handled"), None, []),
    ],
)
def test_a_socket_is_closed_as_falcon_does_and_reported_by_what_it_says(
    client: Client[Any], sentry: LocalSentry, error: Exception, closed: int | None, reported: list[Any]
) -> None:
    async def talk(req: Any, ws: falcon.asgi.WebSocket, place: str) -> None:
        await ws.accept()
        raise error

    async def handle(req: Any, resp: Any, error: Any, params: Any, ws: Any = None) -> None:
        """The application knows what to do, and says nothing to the client."""

    app = async_application(talk)
    app.add_error_handler(ZeroDivisionError, handle)
    setup(app, client=client)
    asked = call(app, websocket("/at/1"), {"type": "websocket.connect"})
    assert asked.raised is None
    codes = [message["code"] for message in asked.said if message["type"] == "websocket.close"]
    if closed is not None:
        assert codes == [closed]
    assert [kind for _, kind in outlines(sentry)] == reported
    assert {event["transaction"] for event in sentry.events} <= {"/at/{place}"}


@pytest.mark.parametrize("reads", [False, True])
def test_a_body_that_falcon_has_received_is_shown_only_if_the_application_reads_it(
    client: Client[Any], sentry: LocalSentry, reads: bool
) -> None:
    async def take(req: Any, resp: Any) -> None:
        if reads:
            assert await req.get_media() == {"fruit": "pears"}
        raise Broken("taken")

    app = async_application(take)
    setup(app, client=client)
    scope = http("/here", method="POST", headers=[JSON, ("content-length", "18")])
    assert call(app, scope, BODY).status == 500
    assert sentry.events[0]["request"].get("data") == ({"fruit": "pears"} if reads else None)
    assert not any("request" in name for name in scope)


# -- where it is watched


@pytest.mark.parametrize("kind", [falcon.App, falcon.asgi.App])
def test_an_application_that_is_watched_no_more_is_what_it_was(client: Client[Any], kind: type[Any]) -> None:
    app = kind()
    uninstall = setup(app, client=client)
    assert type(app) is not kind
    assert isinstance(app, kind)
    assert (type(app).__name__, type(app).__module__) == (kind.__name__, kind.__module__)
    uninstall()
    assert type(app) is kind
    uninstall()
    assert type(app) is kind


def test_of_a_second_call_the_arguments_count(sentry: LocalSentry, open_client: OpenClient) -> None:
    app = application()
    first = setup(app, client=open_client(environment="first"))
    second = setup(app, client=open_client(environment="second"))
    first()
    assert get(app, "/at/1").status == 500
    second()
    assert get(app, "/at/2").status == 500
    assert [event["environment"] for event in sentry.events] == ["second"]
    assert type(app) is falcon.App


def test_what_cannot_be_is_an_error_at_set_up_and_changes_nothing() -> None:
    app = falcon.App()
    with pytest.raises(OptionError):
        setup(app, "", failed_request_status_codes={1000})
    assert type(app) is falcon.App


def test_an_application_may_be_of_a_class_of_its_own(client: Client[Any], sentry: LocalSentry) -> None:
    def answer(self: Any, req: Any, resp: Any, error: Exception, params: Any) -> None:
        resp.status = 599

    kind: Any = type("Shop", (falcon.App,), {"_python_error_handler": answer})  # it has room for attributes, too
    app = kind()
    app.add_route("/at/{place}", At(fail))
    setup(app, client=client)
    assert get(app, "/at/1").status == 599
    assert outlines(sentry) == [("Broken: 1", UNHANDLED)]


def test_falcons_own_test_client_sees_no_difference(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    setup(app, client=client)
    answer = falcon.testing.TestClient(app).simulate_get("/at/1")
    assert (answer.status_code, answer.headers["x-sentry-id"]) == (500, sentry.events[0]["event_id"])
    assert outlines(sentry) == [("Broken: 1", UNHANDLED)]


def test_nor_does_the_one_for_asgi(client: Client[Any], sentry: LocalSentry) -> None:
    app = async_application()
    setup(app, client=client)

    async def main() -> None:
        async with falcon.testing.ASGIConductor(app) as conductor:
            answer = await conductor.simulate_get("/at/1")
            assert (answer.status_code, answer.headers["x-sentry-id"]) == (500, sentry.events[0]["event_id"])

    asyncio.run(main())
    assert outlines(sentry) == [("Broken: 1", UNHANDLED)]
