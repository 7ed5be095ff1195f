"""What is particular to Quart."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import quart
from quart.asgi import ASGIHTTPConnection

from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.integrations.quart import setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.asgi_connections import GONE, ask, converse
from integrations.serving import mechanism, outline


class Broken(Exception):
    """What goes wrong."""


def application() -> quart.Quart:
    app = quart.Quart(__name__)

    @app.get("/fail/<what>")
    async def fail(what: str) -> str:
        raise Broken(what)

    @app.websocket("/socket")
    async def talk() -> None:
        while True:
            said = await quart.websocket.receive()
            if said == "fail":
                raise Broken(said)
            await quart.websocket.send(said)

    return app


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


def outlines(sentry: LocalSentry) -> list[str]:
    return [outline(event) for event in sentry.events]


def test_of_two_set_ups_the_second_counts(client: Client[Any], open_client: OpenClient, sentry: LocalSentry) -> None:
    app = application()
    setup(app, client=open_client(environment="first"))
    setup(app, client=client, failed_request_status_codes={503})
    answer = ask(app, "/fail/once")
    assert answer.status == 500
    assert [event["environment"] for event in sentry.events] == ["production"]
    assert answer.headers[b"x-sentry-id"].decode() == sentry.events[0]["event_id"]
    with pytest.raises(OptionError):
        setup(app, client=client, failed_request_status_codes={5000})


def test_all_is_as_before_once_it_is_taken_off(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    before = dict(vars(app))
    uninstall = setup(app, client=client)
    uninstall()
    uninstall()
    ours = vars(app).pop("extensions")["asyncsentry"]
    assert {name: value for name, value in vars(app).items() if before.get(name) != value} == {}
    assert ours is not None
    app.extensions = {}
    assert ask(app, "/fail/unseen").status == 500
    assert sentry.events == ()


def test_what_somebody_has_wrapped_since_stays_and_does_nothing(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()

    class Connection(ASGIHTTPConnection):
        """The application's own."""

    app.asgi_http_class = Connection
    uninstall = setup(app, client=client)
    theirs = app.asgi_app
    app.asgi_app = lambda *connection: theirs(*connection)  # type: ignore[method-assign]  # as Quart says
    uninstall()
    assert app.asgi_http_class is Connection
    assert ask(app, "/fail/unseen").status == 500
    assert sentry.events == ()


@pytest.mark.parametrize(("status", "events"), [(400, []), (500, ["Broken: answered"])])
def test_what_an_error_handler_answers_is_reported_if_the_answer_says_so(
    client: Client[Any], sentry: LocalSentry, status: int, events: list[str]
) -> None:
    app = application()
    setup(app, client=client)
    app.errorhandler(Broken)(lambda error: ("sorry", status))
    assert ask(app, "/fail/answered").status == status
    assert outlines(sentry) == events
    assert [mechanism(event) for event in sentry.events] == [("quart", True)] * len(events)
    assert [event["transaction"] for event in sentry.events] == ["/fail/<what>"] * len(events)


def test_an_error_handler_that_fails_itself_makes_one_event_of_both(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    setup(app, client=client)

    @app.errorhandler(Broken)
    async def answer(error: Broken) -> str:
        raise LookupError("no page for it")

    assert ask(app, "/fail/first").status == 500
    (event,) = sentry.events
    assert [error["value"] for error in event["exception"]["values"]] == ["first", "no page for it"]
    assert mechanism(event) == ("quart", False)


@pytest.mark.parametrize("setting", ["TESTING", "PROPAGATE_EXCEPTIONS", "DEBUG"])
def test_an_error_that_quart_lets_through_is_reported_once(
    client: Client[Any], sentry: LocalSentry, setting: str
) -> None:
    app = application()
    app.config[setting] = True
    setup(app, client=client)
    ask(app, "/fail/let through")
    assert outlines(sentry) == ["Broken: let through"]
    assert mechanism(sentry.events[0]) == ("quart", False)


def test_an_error_as_a_request_ends_is_reported_as_it_was_raised(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    setup(app, client=client)

    @app.get("/well")
    async def well() -> str:
        return "well"

    @app.teardown_request
    async def tear_down(_: object) -> None:
        raise Broken("at the end")

    assert ask(app, "/well").raised is not None
    assert outlines(sentry) == ["Broken: at the end"]


def test_that_a_client_leaves_is_no_error(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    setup(app, client=client)

    @app.get("/read")
    async def read() -> bytes:
        return b"".join([part async for part in quart.request.body])

    begun = {"type": "http.request", "body": b"begun", "more_body": True}
    ask(app, "/read", begun, GONE)
    ask(app, "/read", deaf=True)
    converse(app, "/socket", "hello", deaf=True)
    assert sentry.events == ()


def test_an_error_in_a_websocket_is_reported_with_its_route(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    setup(app, client=client)
    converse(app, "/socket", "hello", "fail")
    (event,) = sentry.events
    assert (outline(event), event["transaction"]) == ("Broken: fail", "/socket")


def test_the_user_is_whom_quart_auth_has_found(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    setup(app, client=client)
    app.extensions["QUART_AUTH"] = [SimpleNamespace(attribute_name="_user")]  # as Quart-Auth keeps it

    @app.before_request
    async def log_in() -> None:
        quart.g._user = SimpleNamespace(auth_id="7")

    @app.get("/busy")
    async def busy() -> str:
        quart.abort(503)

    ask(app, "/fail/for a user")
    ask(app, "/busy")
    ask(application(), "/fail/unseen")
    assert [event["user"] for event in sentry.events] == [{"id": "7"}, {"id": "7"}]


def test_a_request_in_a_variable_is_not_shown_with_all_of_its_url(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    setup(app, client=client)

    @app.get("/look")
    async def look() -> str:
        proxy: Any = quart.request
        request = proxy._get_current_object()
        raise Broken(request.method)

    ask(app, "/look")
    variables = sentry.events[0]["exception"]["values"][-1]["stacktrace"]["frames"][-1]["vars"]
    assert variables["request"] == "<quart.wrappers.request.Request>"
