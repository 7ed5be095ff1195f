"""What is particular to Pyramid: settings, exception views, tweens, callbacks, requests that are tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy, deepcopy
from types import MappingProxyType
from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.events import NewRequest, NewResponse
from pyramid.httpexceptions import HTTPBadGateway, HTTPFound, HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import EXCVIEW

import asyncsentry
from asyncsentry.client import Client
from asyncsentry.errors import DsnError, OptionError
from asyncsentry.integrations.pyramid import setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.programs.shop import Broken
from integrations.serving import mechanism, outline
from integrations.wsgi_calling import get

HANDLED, UNHANDLED = ("pyramid", True), ("pyramid", False)

# Any: Pyramid has no types.
Configure = Callable[[Any], object]


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


def fail(request: Any) -> Any:
    raise Broken(request.matchdict["place"])


def fine(_: Any) -> Any:
    return Response("fine")


def nothing(_: Any) -> None:
    """Nothing more to configure."""


def application(
    client: Client[Any],
    configure: Configure = nothing,
    view: Any = fail,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Any:
    """An application that is set up."""
    with Configurator(settings={**settings}) as config:
        config.add_route("at", "at/{place}")
        config.add_view(view, route_name="at")
        setup(config, client=client)
        configure(config)
        return config.make_wsgi_app()


def showing(status: int) -> Configure:
    """Has an exception view that answers with this status."""

    def show(_error: Exception, _request: Any) -> Any:
        return Response(status=status)

    return lambda config: config.add_exception_view(show, context=Broken)


def outlines(sentry: LocalSentry) -> list[tuple[str, Any]]:
    return [(outline(event), mechanism(event)) for event in sentry.events]


# -- who answers


@pytest.mark.parametrize(("status", "reported"), [(500, [HANDLED]), (404, [])])
def test_an_error_that_an_exception_view_answers_is_reported_by_its_status(
    client: Client[Any], sentry: LocalSentry, status: int, reported: list[Any]
) -> None:
    page = get(application(client, showing(status)), "/at/1")
    assert (page.status, page.event_id is None) == (status, not reported)
    assert [kind for _, kind in outlines(sentry)] == reported
    assert {event["transaction"] for event in sentry.events} <= {"/at/{place}"}


def test_what_nobody_answers_reaches_the_server(client: Client[Any], sentry: LocalSentry) -> None:
    with pytest.raises(Broken):
        get(application(client), "/at/1")
    assert outlines(sentry) == [("Broken: 1", UNHANDLED)]


def test_an_exception_view_that_fails_is_reported_itself(client: Client[Any], sentry: LocalSentry) -> None:
    def show(_error: Exception, _request: Any) -> None:
        raise LookupError("view")

    with pytest.raises(LookupError):
        get(application(client, lambda config: config.add_exception_view(show, context=Broken)), "/at/1")
    assert outlines(sentry) == [("LookupError: view", UNHANDLED)]
    assert [error["type"] for error in sentry.events[0]["exception"]["values"]] == ["Broken", "LookupError"]


@pytest.mark.parametrize(
    ("error", "reported"), [(HTTPNotFound(), []), (HTTPFound("/at/2"), []), (HTTPBadGateway(), [HANDLED])]
)
def test_an_error_of_pyramids_is_reported_if_its_status_is_a_failure(
    client: Client[Any], sentry: LocalSentry, error: Any, reported: list[Any]
) -> None:
    def answer(_: Any) -> None:
        raise error

    assert get(application(client, view=answer), "/at/1").status == error.code
    assert [kind for _, kind in outlines(sentry)] == reported


def answering_tween(handler: Any, _registry: Any) -> Any:
    """The application's own tween, which answers what comes out of all views."""

    def tween(request: Any) -> Any:
        try:
            return handler(request)
        except Broken:
            return Response(status=int(request.matchdict["place"]))

    return tween


def test_an_error_that_a_tween_answers_is_reported_by_its_status(client: Client[Any], sentry: LocalSentry) -> None:
    app = application(client, lambda config: config.add_tween(f"{__name__}.answering_tween"))
    assert get(app, "/at/404").event_id is None
    assert get(app, "/at/500").event_id == sentry.events[0]["event_id"]
    assert outlines(sentry) == [("Broken: 500", HANDLED)]


def test_tweens_may_be_listed_without_ours(client: Client[Any], sentry: LocalSentry) -> None:
    app = application(client, showing(500), settings={"pyramid.tweens": EXCVIEW})
    assert get(app, "/at/1").event_id is None  # that the view answered is not seen
    app = application(client, settings={"pyramid.tweens": EXCVIEW})
    with pytest.raises(Broken):
        get(app, "/at/2")
    assert outlines(sentry) == [("Broken: 2", UNHANDLED)]


# -- what tweens do not see


def failing_at(when: str) -> Any:
    def view(request: Any) -> Any:
        def at_the_end(*_: Any) -> None:
            raise Broken(when)

        getattr(request, f"add_{when}_callback")(at_the_end)
        return Response()

    return view


@pytest.mark.parametrize("when", ["response", "finished"])
def test_what_a_callback_raises_is_reported(client: Client[Any], sentry: LocalSentry, when: str) -> None:
    with pytest.raises(Broken):
        get(application(client, view=failing_at(when)), "/at/1")
    assert outlines(sentry) == [(f"Broken: {when}", UNHANDLED)]


@pytest.mark.parametrize("moment", [NewRequest, NewResponse])
def test_what_a_subscriber_raises_is_reported(client: Client[Any], sentry: LocalSentry, moment: type[Any]) -> None:
    def hear(_: Any) -> None:
        raise Broken("subscriber")

    with pytest.raises(Broken):
        get(application(client, lambda config: config.add_subscriber(hear, moment), fine), "/at/1")
    assert outlines(sentry) == [("Broken: subscriber", UNHANDLED)]
    assert sentry.events[0]["transaction"] == ("/at/1" if moment is NewRequest else "/at/{place}")


def test_an_answer_that_fails_while_it_is_sent_is_reported(client: Client[Any], sentry: LocalSentry) -> None:
    def stream(_: Any) -> Any:
        def chunks() -> Iterator[bytes]:
            yield b"begun"
            raise Broken("stream")

        return Response(app_iter=chunks())

    with pytest.raises(Broken):
        get(application(client, view=stream), "/at/1")
    assert outlines(sentry) == [("Broken: stream", UNHANDLED)]
    assert sentry.events[0]["transaction"] == "/at/{place}"


@pytest.mark.parametrize("tries", [1, 2])
def test_of_a_request_that_is_tried_again_the_last_try_counts(
    client: Client[Any], sentry: LocalSentry, tries: int
) -> None:
    left = [Broken("first"), None]

    def view(_: Any) -> Any:
        error = left.pop(0)
        if error:
            raise error
        return Response()

    def try_again(environ: Any, router: Any) -> Any:
        for _ in range(tries - 1):
            with router.request_context(environ.copy()) as request:
                assert router.invoke_request(request).status_code == 500
        with router.request_context(environ.copy()) as request:
            return router.invoke_request(request)

    def configure(config: Any) -> None:
        showing(500)(config)
        config.set_execution_policy(try_again)

    assert get(application(client, configure, view), "/at/1").status == (500 if tries == 1 else 200)
    assert outlines(sentry) == ([("Broken: first", HANDLED)] if tries == 1 else [])


def test_a_request_in_a_request_has_its_own_answer(client: Client[Any], sentry: LocalSentry) -> None:
    def view(request: Any) -> Any:
        if request.matchdict["place"] == "inner":
            raise Broken("inner")
        answer = request.invoke_subrequest(Request.blank("/at/inner"), use_tweens=True)
        return Response(answer.status)

    page = get(application(client, showing(500), view), "/at/outer")
    assert (page.status, page.body) == (200, "500 Internal Server Error")
    assert sentry.events == ()  # the view has the answer, and answers well


# -- names


def test_a_request_without_a_route_is_named_by_its_path(client: Client[Any], sentry: LocalSentry) -> None:
    def ask(request: Any) -> Any:
        client.capture_message("asked")
        return Response()

    app = application(client, lambda config: config.add_view(ask, name="seen"))
    assert get(app, "/seen", REMOTE_USER="ada").event_id == sentry.events[0]["event_id"]
    assert (sentry.events[0]["transaction"], sentry.events[0]["transaction_info"]) == ("/seen", {"source": "url"})
    assert sentry.events[0]["user"]["username"] == "ada"


# -- set-up


def test_the_settings_set_it_up(sentry: LocalSentry) -> None:
    settings = {
        "sentry.dsn": sentry.dsn_for("urllib"),
        "sentry.environment": "staging",
        "sentry.send_default_pii": "yes",
        "sentry.before_send": f"{__name__}.note",
        "sentry.failed_request_status_codes": "404 500-502",
        "sentry.release": None,
        "pyramid.debug_notfound": "false",
    }
    with Configurator(settings=settings) as config:
        config.add_route("at", "/at/{place}")
        config.add_view(fail, route_name="at")
        showing(404)(config)
        config.include("asyncsentry.integrations.pyramid")
        app = config.make_wsgi_app()
    try:
        assert get(app, "/at/1", REMOTE_ADDR="203.0.113.7").event_id is not None
        (event,) = sentry.events
        assert (outline(event), event["environment"], event["tags"]) == ("Broken: 1", "staging", {"noted": "yes"})
        assert event["request"]["env"]["REMOTE_ADDR"] == "203.0.113.7"
    finally:
        asyncsentry.close()


def note(event: dict[str, Any], _hint: Any) -> dict[str, Any]:
    return {**event, "tags": {"noted": "yes"}}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("sample_rate", "many", r"sentry\.sample_rate must be a number from 0 to 1, not 'many'"),
        ("max_depth", "deep", r"sentry\.max_depth must be a whole number from 1 to 50, not 'deep'"),
        ("debug", "maybe", r"sentry\.debug must be one of 1, true, "),
        ("debug", 1, r"sentry\.debug must be True or False, not 1"),
        ("before_send", "no.such", r"sentry\.before_send: 'no\.such' cannot be imported"),
        ("before_send", "asyncsentry", r"sentry\.before_send must be a function"),
        ("processors", "copy.copy no.such", r"sentry\.processors: 'no\.such' cannot be imported"),
        ("processors", "asyncsentry", r"each of sentry\.processors must be a function"),
        ("failed_request_status_codes", "5xx", r"sentry\.failed_request_status_codes must be statuses such as 429 500"),
        ("failed_request_status_codes", "500-999", r"sentry\.failed_request_status_codes must be statuses such as"),
        ("failed_request_status_codes", [999], "failed_request_status_codes must hold numbers"),
        ("no_such_option", "1", "no_such_option"),
    ],
)
def test_a_setting_that_cannot_be_is_an_error_that_names_it(name: str, value: object, said: str) -> None:
    with (
        Configurator(settings={"sentry.dsn": "", f"sentry.{name}": value}) as config,
        pytest.raises(OptionError, match=said),
    ):
        config.include("asyncsentry.integrations.pyramid")


def test_a_dsn_that_cannot_be_is_an_error() -> None:
    with Configurator(settings={"sentry.dsn": "nonsense"}) as config, pytest.raises(DsnError):
        config.include("asyncsentry.integrations.pyramid")


def test_settings_may_hold_values_of_any_kind(sentry: LocalSentry) -> None:
    settings = {
        "sentry.dsn": sentry.dsn_for("urllib"),
        "sentry.ignore_errors": "LookupError, shop.*",
        "sentry.flood_limit": "7",
        "sentry.before_send": note,
        "sentry.failed_request_status_codes": range(500, 600),
        "sentry.in_app_include": ["shop"],
        "sentry.processors": "copy.copy, copy.deepcopy",
        "sentry.scrub_keys": "pin otp",
    }
    with Configurator(settings=settings) as config:
        config.include("asyncsentry.integrations.pyramid")
    options = asyncsentry.get_client().options
    asyncsentry.close()
    assert (options.ignore_errors, options.flood_limit) == (("LookupError", "shop.*"), 7)
    assert (options.before_send, options.in_app_include) == (note, ("shop",))
    processors: list[object] = [*options.processors]
    assert processors == [copy, deepcopy]
    assert options.scrub_keys == ("pin", "otp")


def test_of_a_second_call_the_arguments_count(
    client: Client[Any], sentry: LocalSentry, open_client: OpenClient
) -> None:
    second = open_client(environment="second")
    app = application(client, lambda config: setup(config, client=second))
    with pytest.raises(Broken):
        get(app, "/at/1")
    assert [event["environment"] for event in sentry.events] == ["second"]


def test_an_application_that_is_watched_no_more_goes_on(client: Client[Any], sentry: LocalSentry) -> None:
    ends = []
    app = application(client, lambda config: ends.append(setup(config, client=client)))
    ends[0]()
    with pytest.raises(Broken):
        get(app, "/at/1")
    assert sentry.events == ()


def test_the_tween_does_nothing_where_nobody_watches(client: Client[Any], sentry: LocalSentry) -> None:
    app = application(client, showing(500))
    with app.request_context(Request.blank("/at/1").environ) as request:  # as scripts do, without a server
        assert app.invoke_request(request).status_code == 500
    assert sentry.events == ()
