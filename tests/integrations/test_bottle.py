"""What is particular to Bottle: its error pages, its hooks, applications that are mounted, and where it is watched."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import bottle
import pytest

from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.integrations.bottle import setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.programs.shop import Broken
from integrations.serving import mechanism, outline
from integrations.wsgi_calling import get

HANDLED, UNHANDLED = ("bottle", True), ("bottle", False)


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


@pytest.fixture
def app(client: Client[Any]) -> Any:
    """An application that is set up, and fails at one place."""
    app = bottle.Bottle()
    app.route("/at/<place>", callback=fail)
    setup(app, client=client)
    return app


def fail(place: str) -> None:
    raise Broken(place)


def outlines(sentry: LocalSentry) -> list[tuple[str, Any]]:
    return [(outline(event), mechanism(event)) for event in sentry.events]


# -- error pages


def test_an_error_page_of_the_applications_knows_the_event_of_what_nobody_handled(
    app: Any, client: Client[Any], sentry: LocalSentry
) -> None:
    app.error(500, callback=lambda _: client.last_event_id())
    page = get(app, "/at/1")
    assert outlines(sentry) == [("Broken: 1", UNHANDLED)]
    assert (page.status, page.body) == (500, sentry.events[0]["event_id"])
    assert page.event_id == page.body


def test_an_error_page_that_fails_itself_is_reported_as_well(app: Any, sentry: LocalSentry) -> None:
    def show(_: bottle.HTTPError) -> None:
        raise Broken("page")

    app.error(500, callback=show)
    page = get(app, "/at/1")
    assert outlines(sentry) == [("Broken: 1", UNHANDLED), ("Broken: page", UNHANDLED)]
    assert page.event_id == sentry.events[1]["event_id"]
    assert page.body.startswith("<h1>Critical error")


@pytest.mark.parametrize("status", [404, 500])
def test_there_is_a_page_for_who_asks_only_if_there_is_one(app: Any, status: int) -> None:
    app.error(404, callback=lambda error: error.status_line)
    page = app.error_handler.get(status)
    assert (page is None) == (status == 500)
    assert app.error_handler == {404: app.error_handler[404]}


@pytest.mark.parametrize("hook", ["before_request", "after_request"])
def test_what_a_hook_raises_is_reported(client: Client[Any], sentry: LocalSentry, hook: str) -> None:
    app: Any = bottle.Bottle()
    app.route("/at/<place>", callback=lambda place: place)
    app.add_hook(hook, lambda: fail("hook"))
    setup(app, client=client)
    page = get(app, "/at/1")
    assert outlines(sentry) == [("Broken: hook", UNHANDLED)]
    assert (page.status, page.event_id) == (500, sentry.events[0]["event_id"])


def test_what_a_generator_raises_before_its_first_chunk_is_reported(app: Any, sentry: LocalSentry) -> None:
    def chunks() -> Iterator[str]:
        fail("chunks")
        yield ""

    app.route("/chunks", callback=chunks)
    assert get(app, "/chunks").status == 500
    assert outlines(sentry) == [("Broken: chunks", UNHANDLED)]


# -- answers with a status


@pytest.mark.parametrize("way", ["raised", "returned"])
def test_an_error_of_bottles_is_reported_if_its_status_is_a_failure(
    app: Any, client: Client[Any], sentry: LocalSentry, way: str
) -> None:
    def answer(status: int) -> bottle.HTTPError:
        error = bottle.HTTPError(status, "no pears")
        if way == "raised":
            raise error
        return error

    app.route("/answer/<status:int>", callback=answer)
    for status in (404, 502):
        page = get(app, f"/answer/{status}")
        assert (page.status, page.event_id is None) == (status, status == 404)
    setup(app, client=client, failed_request_status_codes={404})
    assert [get(app, f"/answer/{status}").event_id is None for status in (404, 502)] == [False, True]
    assert [mechanism(event) for event in sentry.events] == [HANDLED, HANDLED]
    assert [event["exception"]["values"][-1]["type"] for event in sentry.events] == ["HTTPError", "HTTPError"]


def test_an_error_that_is_answered_with_another_one_is_the_one_that_is_reported(app: Any, sentry: LocalSentry) -> None:
    error = Broken("within")
    app.route("/answer/<status:int>", callback=lambda status: bottle.HTTPError(status, exception=error))
    assert get(app, "/answer/404").event_id is None
    assert get(app, "/answer/503").event_id == sentry.events[0]["event_id"]
    assert outlines(sentry) == [("Broken: within", HANDLED)]


def test_an_error_that_names_what_cannot_be_one_is_reported_itself(app: Any, sentry: LocalSentry) -> None:
    app.route("/answer", callback=lambda: bottle.HTTPError(503, exception="none"))
    assert get(app, "/answer").status == 503
    assert [mechanism(event) for event in sentry.events] == [HANDLED]


# -- applications in applications


def test_an_application_that_is_mounted_is_watched_with_the_one_that_it_is_in(app: Any, sentry: LocalSentry) -> None:
    inner: Any = bottle.Bottle()
    inner.route("/at/<place>", callback=fail)
    app.mount("/inner/", inner)
    page = get(app, "/inner/at/1")
    assert (page.status, page.event_id) == (500, sentry.events[0]["event_id"])
    assert outlines(sentry) == [("Broken: 1", UNHANDLED)]
    assert sentry.events[0]["transaction"] == "/inner/at/<place>"


def test_an_application_of_any_kind_that_is_mounted_is_watched_as_well(app: Any, sentry: LocalSentry) -> None:
    def inner(environ: dict[str, Any], _start: Any) -> None:
        raise Broken(environ["PATH_INFO"])

    app.mount("/inner/", inner)
    assert get(app, "/inner/at/1").status == 500
    assert outlines(sentry) == [("Broken: /at/1", UNHANDLED)]


# -- where it is watched


def test_what_bottle_is_told_not_to_catch_reaches_the_server(app: Any, sentry: LocalSentry) -> None:
    app.config["catchall"] = False
    with pytest.raises(Broken):
        get(app, "/at/1")
    assert outlines(sentry) == [("Broken: 1", UNHANDLED)]


def test_a_request_without_a_route_is_named_by_its_path(app: Any, client: Client[Any], sentry: LocalSentry) -> None:
    app.add_hook("before_request", lambda: client.capture_message("asked"))
    assert get(app, "/no/such", REMOTE_USER="ada").event_id == sentry.events[0]["event_id"]
    assert get(app, "/at/1", REMOTE_USER="ada").status == 500
    named = [(event["transaction"], event["transaction_info"]["source"]) for event in sentry.events]
    assert named == [("/no/such", "url"), ("/at/1", "url"), ("/at/<place>", "route")]
    assert {event["user"]["username"] for event in sentry.events} == {"ada"}


def test_of_a_second_call_the_arguments_count(app: Any, sentry: LocalSentry, open_client: OpenClient) -> None:
    setup(app, client=open_client(environment="second"))
    assert get(app, "/at/1").status == 500
    assert [event["environment"] for event in sentry.events] == ["second"]


def test_what_cannot_be_is_an_error_at_set_up_and_changes_nothing() -> None:
    app = bottle.Bottle()
    with pytest.raises(OptionError):
        setup(app, "", failed_request_status_codes={1000})
    assert "wsgi" not in vars(app)


def test_an_application_that_is_watched_no_more_is_what_it_was(client: Client[Any], sentry: LocalSentry) -> None:
    app: Any = bottle.Bottle()
    app.route("/at/<place>", callback=fail)
    before = {**vars(app)}
    uninstall = setup(app, client=client)
    app.error(404, callback=lambda _: "none")
    uninstall()
    uninstall()
    assert get(app, "/at/1").event_id is None
    assert get(app, "/none").body == "none"
    assert vars(app).keys() == before.keys()
    assert type(app.error_handler) is dict
    assert sentry.events == ()


@pytest.mark.parametrize("order", ["before", "after"])
def test_what_else_stands_in_for_the_application_stays(client: Client[Any], sentry: LocalSentry, order: str) -> None:
    app: Any = bottle.Bottle()
    app.route("/at/<place>", callback=fail)
    called = []

    def stand_in() -> None:
        inner = app.wsgi

        def outer(environ: Any, start: Any) -> Any:
            called.append(environ["PATH_INFO"])
            return inner(environ, start)

        vars(app)["wsgi"] = outer

    if order == "before":
        stand_in()
    uninstall = setup(app, client=client)
    if order == "after":
        stand_in()
    assert get(app, "/at/1").event_id is not None
    uninstall()
    assert get(app, "/at/2").event_id is None
    assert called == ["/at/1", "/at/2"]
    assert outlines(sentry) == [("Broken: 1", UNHANDLED)]


def test_a_route_whose_text_never_ends_is_not_asked_for_it(app: Any, sentry: LocalSentry) -> None:
    shelf = {"pears": 3}
    app.route("/shelf", callback=lambda: fail(f"{shelf}"))  # Bottle looks for a function in what it holds, for ever
    asked = threading.Thread(target=get, args=(app, "/shelf"), daemon=True)
    asked.start()
    asked.join(20.0)
    assert outlines(sentry) == [("Broken: {'pears': 3}", UNHANDLED)]
    shown = [frame["vars"] for frame in sentry.events[0]["exception"]["values"][-1]["stacktrace"]["frames"]]
    assert "<bottle.Route>" in [known.get("route") for known in shown]
