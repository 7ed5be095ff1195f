"""What is particular to Flask: who answers an error, what is known of a request, streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    got_request_exception,
    render_template_string,
    request,
    request_finished,
    session,
    stream_with_context,
)
from flask.testing import FlaskClient
from flask_login import LoginManager, current_user  # type: ignore[import-untyped]  # it has no types

from asyncsentry.client import Client
from asyncsentry.integrations.flask import Sentry, setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.programs.shop import Broken
from integrations.serving import mechanism, outline

HANDLED, UNHANDLED = ("flask", True), ("flask", False)


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


@pytest.fixture
def app(client: Client[Any]) -> Flask:
    app = Flask("shop")
    app.secret_key = "quince"
    Sentry(app, client=client)
    return app


@pytest.fixture
def asking(app: Flask) -> FlaskClient:
    return app.test_client()


def fail(what: str = "fail") -> str:
    raise Broken(what)


def fail_at_the_end(_: BaseException | None) -> None:
    fail("end")


def outlines(sentry: LocalSentry) -> list[tuple[str, tuple[str, bool]]]:
    return [(outline(event), mechanism(event)) for event in sentry.events]


# -- who answers


@pytest.mark.parametrize(("status", "events"), [(400, []), (500, [("Broken: fail", HANDLED)])])
def test_an_error_that_an_error_handler_answers_is_handled(
    app: Flask, asking: FlaskClient, sentry: LocalSentry, status: int, events: list[Any]
) -> None:
    app.add_url_rule("/", view_func=fail)
    app.register_error_handler(Exception, lambda error: ("sorry", status))
    answer = asking.get("/")
    assert (answer.status_code, answer.text) == (status, "sorry")
    assert outlines(sentry) == events
    assert answer.headers.get("X-Sentry-ID") == (sentry.events[0]["event_id"] if events else None)


def test_of_an_error_handler_that_fails_its_own_error_is_reported_alone(
    app: Flask, asking: FlaskClient, sentry: LocalSentry
) -> None:
    def sorry(error: Broken) -> str:
        raise LookupError("no page") from error

    app.add_url_rule("/", view_func=fail)
    app.register_error_handler(Broken, sorry)
    assert asking.get("/").status_code == 500
    assert outlines(sentry) == [("LookupError: no page", UNHANDLED)]


def test_where_the_end_of_an_answer_fails_the_error_that_was_answered_is_no_matter(
    app: Flask, asking: FlaskClient, sentry: LocalSentry
) -> None:
    app.add_url_rule("/", view_func=fail)
    app.register_error_handler(Broken, lambda error: ("sorry", 500))

    @app.after_request
    def end(response: Response) -> Response:
        raise LookupError("no end")

    assert asking.get("/").status_code == 500
    assert outlines(sentry) == [("LookupError: no end", UNHANDLED)]


def test_the_page_for_what_nobody_handled_knows_the_event(
    app: Flask, client: Client[Any], asking: FlaskClient, sentry: LocalSentry
) -> None:
    app.add_url_rule("/", view_func=fail)
    text = "{{ g.sentry_event_id }} {{ known }}"
    app.register_error_handler(500, lambda error: (render_template_string(text, known=client.last_event_id()), 500))
    answer = asking.get("/")
    (event,) = sentry.events
    assert mechanism(event) == UNHANDLED
    assert answer.text.split() == [event["event_id"]] * 2
    assert answer.headers["X-Sentry-ID"] == event["event_id"]


def test_an_error_for_a_status_is_reported_if_the_status_is_a_failure(
    app: Flask, asking: FlaskClient, sentry: LocalSentry
) -> None:
    app.add_url_rule("/<int:status>", view_func=lambda status: abort(status))
    app.before_request(lambda: abort(502) if request.path == "/before" else None)
    assert [asking.get(path).status_code for path in ("/404", "/503", "/no/such", "/before")] == [404, 503, 404, 502]
    assert [mechanism(event) for event in sentry.events] == [HANDLED] * 2
    assert [event["transaction"] for event in sentry.events] == ["/<int:status>", "/before"]


def test_which_statuses_are_failures_is_the_applications_to_say(client: Client[Any], sentry: LocalSentry) -> None:
    app = Flask("shop")
    setup(app, client=client, failed_request_status_codes={404})
    app.add_url_rule("/<int:status>", view_func=lambda status: abort(status))
    assert [app.test_client().get(path).status_code for path in ("/404", "/503")] == [404, 503]
    assert [event["request"]["url"] for event in sentry.events] == ["http://localhost/404"]


def test_what_the_end_of_a_request_raises_is_reported_beside_the_requests_own_error(
    app: Flask, asking: FlaskClient, sentry: LocalSentry
) -> None:
    app.add_url_rule("/<what>", view_func=lambda what: fail(what) if what == "fail" else what)
    app.teardown_request(fail_at_the_end)
    for path in ("/fine", "/fail"):
        with pytest.raises(Broken, match="end"):
            asking.get(path)
    assert outlines(sentry) == [(f"Broken: {what}", UNHANDLED) for what in ("end", "fail", "end")]
    assert {event["transaction"] for event in sentry.events} == {"/<what>"}
    assert len({event["contexts"]["trace"]["trace_id"] for event in sentry.events}) == 2


def test_what_an_applications_middleware_raises_is_reported(
    app: Flask, client: Client[Any], sentry: LocalSentry
) -> None:
    inner = app.wsgi_app
    app.wsgi_app = lambda environ, start: fail() if environ["PATH_INFO"] == "/fail" else inner(environ, start)  # type: ignore[assignment,method-assign,return-value]
    setup(app, client=client)
    with pytest.raises(Broken):
        app.test_client().get("/fail")
    assert outlines(sentry) == [("Broken: fail", UNHANDLED)]
    assert sentry.events[0]["transaction"] == "/fail"


def test_without_a_place_around_the_application_what_leaves_it_is_for_others(
    client: Client[Any], sentry: LocalSentry
) -> None:
    app = Flask("shop")
    setup(app, client=client, wrap_wsgi=False)

    @app.get("/")
    def view() -> str:
        client.set_tag("fruit", "pears")
        return ""

    app.teardown_request(fail_at_the_end)
    with pytest.raises(Broken):
        app.test_client().get("/")
    assert list(sentry.events) == []
    assert client.get_isolation_scope().tags == {}


def test_asynchronous_views_are_views(
    app: Flask, client: Client[Any], asking: FlaskClient, sentry: LocalSentry
) -> None:
    @app.get("/<what>")
    async def view(what: str) -> str:
        client.set_tag("what", what)
        client.capture_message(what)
        return fail(what)

    asking.get("/one")
    asking.get("/two")
    said = [(outline(event), event["tags"], event["transaction"]) for event in sentry.events]
    assert said == [(text, {"what": what}, "/<what>") for what in ("one", "two") for text in (what, f"Broken: {what}")]


def test_blueprints_name_their_routes_whole(app: Flask, asking: FlaskClient, sentry: LocalSentry) -> None:
    fruit = Blueprint("fruit", __name__, url_prefix="/fruit")
    fruit.add_url_rule("/<name>", view_func=lambda name: fail(name))
    app.register_blueprint(fruit)
    asking.get("/fruit/pears")
    (event,) = sentry.events
    assert (event["transaction"], event["transaction_info"]) == ("/fruit/<name>", {"source": "route"})


# -- streams


@pytest.mark.parametrize("wrap", [stream_with_context, iter], ids=["with context", "without"])
def test_a_stream_is_part_of_its_request(
    app: Flask, client: Client[Any], asking: FlaskClient, sentry: LocalSentry, wrap: Callable[[Any], Any]
) -> None:
    def chunks() -> Iterator[str]:
        yield "begun"
        fail("stream")

    @app.get("/stream/<number>")
    def stream(number: str) -> Response:
        client.set_tag("number", number)
        return Response(wrap(chunks()))

    for number in "12":
        with pytest.raises(Broken):
            asking.get(f"/stream/{number}", buffered=True)
    client.capture_message("after")
    *events, after = sentry.events
    assert [(outline(each), each["tags"]["number"], each["transaction"]) for each in events] == [
        ("Broken: stream", number, "/stream/<number>") for number in "12"
    ]
    assert "tags" not in after


# -- what is known of a request


@pytest.mark.parametrize("parsed", [True, False])
def test_a_form_is_shown_if_the_application_has_had_it_parsed(
    app: Flask, asking: FlaskClient, sentry: LocalSentry, parsed: bool
) -> None:
    @app.post("/")
    def buy() -> str:
        return fail() if not parsed or request.form["fruit"] else ""

    file = (BytesIO(b"quince"), "list.txt")
    asking.post("/", data={"fruit": "pears", "password": "quince", "more": ["1", "2"], "file": file})
    (event,) = sentry.events
    assert event["request"].get("data") == (
        {"fruit": "pears", "password": "[Filtered]", "more": ["1", "2"], "file": ["list.txt"]} if parsed else None
    )
    assert event["request"]["body_size"] > 100


def test_a_body_that_the_application_reads_is_shown(app: Flask, asking: FlaskClient, sentry: LocalSentry) -> None:
    app.add_url_rule("/", view_func=lambda: fail(str(request.get_json())), methods=["POST"])
    asking.post("/", json={"fruit": "pears", "token": "quince"})
    (event,) = sentry.events
    assert event["request"]["data"] == {"fruit": "pears", "token": "[Filtered]"}


def test_a_request_within_a_request_is_one_of_its_own(
    app: Flask, client: Client[Any], asking: FlaskClient, sentry: LocalSentry
) -> None:
    @app.get("/outer")
    def outer() -> str:
        client.set_tag("who", "outer")
        assert app.test_client().get("/inner").status_code == 500
        return fail("outer")

    @app.get("/inner")
    def inner() -> str:
        client.set_tag("inner", "yes")
        return fail("inner")

    asking.get("/outer")
    told = [(event["transaction"], event["tags"]) for event in sentry.events]
    assert told == [("/inner", {"who": "outer", "inner": "yes"}), ("/outer", {"who": "outer"})]


class User:
    """Somebody who has logged in, and whose row would ask a database for their id."""

    is_authenticated = is_active = True

    def get_id(self) -> str:
        raise LookupError("the database was asked")


class Stranger(User):
    """Somebody whom the request itself names."""

    def get_id(self) -> str:
        return "8"


def test_a_user_is_known_who_has_been_loaded(app: Flask, asking: FlaskClient, sentry: LocalSentry) -> None:
    login: Any = LoginManager(app)
    asked: list[str] = []

    def load(number: str) -> User:
        asked.append(number)
        return User()

    login.user_loader(load)
    login.request_loader(lambda asked_for: {"8": Stranger(), "no": User()}.get(asked_for.args.get("key")))

    @app.get("/<what>")
    def view(what: str) -> str:
        if what == "login":
            session["_user_id"] = "7"
            return ""
        return fail(what) if what == "unasked" or current_user.is_authenticated else fail("nobody")

    asking.get("/unasked")
    asking.get("/asked")
    asking.get("/asked?key=8")
    asking.get("/asked?key=no")
    asking.get("/login")
    asking.get("/unasked")
    assert asked == []
    answer = asking.get("/asked")
    assert [event.get("user") for event in sentry.events] == [None, None, {"id": "8"}, None, None, {"id": "7"}]
    assert {event["transaction"] for event in sentry.events} == {"/<what>"}
    assert asked == ["7"]
    assert answer.headers["Vary"] == "Cookie"


def test_without_logins_a_user_is_whom_the_server_knows(asking: FlaskClient, app: Flask, sentry: LocalSentry) -> None:
    app.add_url_rule("/", view_func=fail)
    asking.get("/", environ_overrides={"REMOTE_USER": "ada"})
    (event,) = sentry.events
    assert event["user"] == {"username": "ada"}


# -- whoever else sends Flask's signals


def test_signals_of_others_are_heard_outside_of_requests_too(app: Flask, sentry: LocalSentry) -> None:
    got_request_exception.send(app, exception=Broken("elsewhere"))
    request_finished.send(app, response=Response(status=500))
    assert outlines(sentry) == [("Broken: elsewhere", UNHANDLED)]


def test_an_error_that_is_announced_and_answered_is_reported_once(
    app: Flask, asking: FlaskClient, sentry: LocalSentry
) -> None:
    def announce(error: Exception) -> tuple[str, int]:
        got_request_exception.send(app, exception=error)
        return "sorry", 500

    app.add_url_rule("/", view_func=fail)
    app.register_error_handler(Broken, announce)
    assert asking.get("/").status_code == 500
    assert outlines(sentry) == [("Broken: fail", UNHANDLED)]
