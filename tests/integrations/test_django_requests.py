"""What an event says of a request to Django, and what it has Django do for that: nothing."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connection, connections
from django.http import HttpRequest
from django.test import AsyncClient, Client as Browser, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject
from django.views.decorators.debug import sensitive_variables

from asyncsentry.client import Client
from asyncsentry.integrations.django._requests import _name, describe
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.django_project import watched
from integrations.programs.shop import Broken

SECRET = "sesame-4711"


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


@pytest.fixture
def user() -> Iterator[Any]:
    users: Any = get_user_model().objects
    user = users.create_user("ada", "ada@example.com", SECRET)
    yield user
    user.delete()


@pytest.fixture(autouse=True)
def no_connection_is_left() -> Iterator[None]:
    yield
    connections.close_all()


def browse() -> Any:
    return Browser(raise_request_exception=False)


def ask_later(path: str, user: Any = None) -> None:
    async def main() -> None:
        browser = AsyncClient(raise_request_exception=False)
        if user is not None:
            await sync_to_async(browser.force_login)(user)
        await browser.get(path)
        await sync_to_async(connections.close_all)()  # those of the thread in which Django works

    asyncio.run(main())


# -- names


@pytest.mark.parametrize(
    ("route", "name"),
    [
        ("", "/"),
        ("item/<int:number>/", "/item/{number}/"),
        ("shop/<slug:fruit>/<number>", "/shop/{fruit}/{number}"),
        (r"^a/(?P<pk>[0-9]+)/boom/\Z", "/a/{pk}/boom/"),
        (r"shop/<int:shop>/(?P<year>[0-9]{4})/(?:page-(?P<page>\d+)/)?$", "/shop/{shop}/{year}/page-{page}/"),
        (r"^file\.(\w+)$", "/file.{0}"),
        (r"^(?P<kind>pears|plums)/$", "/{kind}/"),
        (r"^pears|plums$", "/"),
        (r"^100%/(?P<n>.)$", "/100%/{n}"),
        (r"^pears(?#)(?i:x)$", r"/^pears(?#)(?i:x)$"),
    ],
)
def test_a_route_is_named_without_the_signs_of_its_pattern(route: str, name: str) -> None:
    assert _name(route) == name


# -- users


def test_a_user_who_is_known_is_shown(client: Client[Any], sentry: LocalSentry, user: Any) -> None:
    browser = browse()
    browser.force_login(user)
    with watched(client):
        browser.get("/user")
    (event,) = sentry.events
    assert event["user"] == {"id": str(user.pk), "username": "ada", "email": "ada@example.com"}
    assert user.password not in json.dumps(event)


def test_a_user_who_is_known_asynchronously_is_shown(client: Client[Any], sentry: LocalSentry, user: Any) -> None:
    with watched(client):
        ask_later("/user-later", user)
    (event,) = sentry.events
    assert event["user"]["username"] == "ada"


def test_a_user_is_not_looked_up_to_be_shown(client: Client[Any], sentry: LocalSentry, user: Any) -> None:
    browser = browse()
    browser.force_login(user)
    with watched(client), CaptureQueriesContext(connection) as queries:
        browser.get("/nothing")
    (event,) = sentry.events
    assert "user" not in event
    assert len(queries) == 0


def test_a_user_is_not_shown_where_nobody_asks_for_it(open_client: OpenClient, sentry: LocalSentry, user: Any) -> None:
    browser = browse()
    browser.force_login(user)
    with watched(open_client()):
        browser.get("/user")
    (event,) = sentry.events
    assert "user" not in event
    assert "ada@example.com" not in json.dumps(event["request"])


def test_what_is_no_user_of_the_projects_is_none(user: Any) -> None:
    from django.contrib.auth.models import AnonymousUser

    request: Any = RequestFactory().get("/")
    assert describe(request).user is None
    for nobody in (AnonymousUser(), SimpleLazyObject(lambda: AnonymousUser()), object()):
        request.user = nobody
        assert describe(request).user is None
    request.user = get_user_model().objects.only("username").get()
    assert describe(request).user == {"id": user.pk, "username": "ada"}


# -- bodies


def test_a_form_is_shown_if_the_project_has_parsed_it(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client):
        browse().post("/post", {"fruit": ["pears", "plums"], "password": SECRET, "size": "3"})
        browse().post("/nothing", {"fruit": "pears"})
    parsed, not_parsed = sentry.events
    assert parsed["request"]["data"] == {"fruit": ["pears", "plums"], "password": "[Filtered]", "size": "3"}
    assert "data" not in not_parsed["request"]


@pytest.mark.parametrize("content_type", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_what_a_view_says_is_sensitive_is_not_shown(
    client: Client[Any], sentry: LocalSentry, content_type: str
) -> None:
    given = {"card": SECRET, "size": "3"} if content_type.startswith("m") else f"card={SECRET}&size=3"
    more = {} if content_type.startswith("m") else {"content_type": content_type}
    with watched(client, DEBUG=True):
        for path in ("/hide-post", "/hide-all-post", "/hide-body"):
            browse().post(path, given, **more)
    named, everything, body = (event["request"].get("data") for event in sentry.events)
    assert named == {"card": "[Filtered]", "size": "3"}
    assert everything == {"card": "[Filtered]", "size": "[Filtered]"}
    assert body is None
    assert SECRET not in json.dumps([event["request"] for event in sentry.events])


class HidesSizes:
    """A filter of the project's own."""

    def get_post_parameters(self, request: HttpRequest) -> Any:
        cleansed = request.POST.copy()
        cleansed["size"] = "hidden"
        return cleansed


def test_the_projects_own_filter_is_asked(client: Client[Any], sentry: LocalSentry) -> None:
    from django.views import debug

    default: Any = debug.get_default_exception_reporter_filter
    name = f"{__name__.removeprefix('tests.')}.HidesSizes"
    default.cache_clear()
    with watched(client, DEFAULT_EXCEPTION_REPORTER_FILTER=name):
        browse().post("/post", {"size": "3", "fruit": "pears"})
    default.cache_clear()
    (event,) = sentry.events
    assert event["request"]["data"] == {"size": "hidden", "fruit": "pears"}


def test_what_rest_framework_reads_is_parsed_by_nobody_else(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client):
        browse().post("/rest/503", '{"fruit": "pears"}', content_type="application/json")
        assert browse().post("/rest/503", "{", content_type="application/json").status_code == 400
        browse().post("/rest/500", {"fruit": "pears"})
    json_, form = sentry.events
    assert json_["request"].get("data", {"fruit": "pears"}) == {"fruit": "pears"}  # as far as it reads it by Django
    assert form["request"]["data"] == {"fruit": "pears"}


def test_a_request_behind_a_proxy_has_the_address_that_its_client_knows(
    client: Client[Any], sentry: LocalSentry
) -> None:
    proxy: Any = {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_SCHEME", "https"), "USE_X_FORWARDED_HOST": True}
    with watched(client, ALLOWED_HOSTS=["shop.example"], **proxy):
        browse().get("/nothing?a=1", HTTP_X_SCHEME="https", HTTP_X_FORWARDED_HOST="shop.example")
    with watched(client, SECURE_PROXY_SSL_HEADER="nonsense"):
        assert describe(RequestFactory().get("/")).request
    (event,) = sentry.events
    assert event["request"]["url"] == "https://shop.example/nothing"
    assert event["request"]["query_string"] == "a=1"


def test_a_request_in_a_variable_is_shown_by_its_type(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client):
        browse().get(f"/user?token={SECRET}")
    assert SECRET not in json.dumps(sentry.events)


# -- queries


@pytest.mark.parametrize("path", ["/query", "/query-later"])
def test_a_query_leaves_a_breadcrumb_without_its_parameters(
    client: Client[Any], sentry: LocalSentry, path: str
) -> None:
    with watched(client):
        ask_later(path) if path == "/query-later" else browse().get(path)
    (event,) = sentry.events
    (crumb,) = event["breadcrumbs"]["values"]
    assert (crumb["type"], crumb["category"]) == ("query", "query")
    assert '"username" = %s LIMIT 1' in crumb["message"]
    assert crumb["data"]["alias"] == "default"
    assert 0 < crumb["data"]["duration_ms"] < 10_000
    assert "sesame" not in json.dumps(event["breadcrumbs"])


def test_parameters_are_shown_where_they_are_asked_for_and_secrets_by_name_are_not(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    client = open_client(data_collection={"database_query_data": True})
    with watched(client), client.isolation_scope():
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s, 'pears'", ["plums"])
            cursor.execute("SELECT %(fruit)s, %(password)s", {"fruit": "plums", "password": SECRET})
            cursor.execute("SELECT 1")
        client.capture_message("all")
    (event,) = sentry.events
    shown = [crumb["data"].get("params") for crumb in event["breadcrumbs"]["values"]]
    assert shown[-3:] == [["plums"], {"fruit": "plums", "password": "[Filtered]"}, None]
    assert SECRET not in json.dumps(event["breadcrumbs"])


def test_queries_may_be_left_out(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client, query_breadcrumbs=False):
        browse().get("/query")
    (event,) = sentry.events
    assert "breadcrumbs" not in event


def test_connections_that_are_opened_anew_are_watched_once(client: Client[Any], sentry: LocalSentry) -> None:
    def ask_twice() -> None:
        for _ in range(2):
            with connection.cursor() as cursor:
                cursor.execute("SELECT %s", [SECRET])
            connection.close()
        client.capture_message("text")

    with watched(client):
        thread = threading.Thread(target=ask_twice)
        thread.start()
        thread.join()
    (event,) = sentry.events
    assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == ["SELECT %s"] * 2


def test_what_is_no_text_is_not_shown_as_one(client: Client[Any], sentry: LocalSentry) -> None:
    class Composed(str):
        """Stands for what drivers offer to put texts together."""

    with watched(client):
        with connection.cursor() as cursor:
            cursor.execute(Composed(f"SELECT '{SECRET}'"))
        client.capture_message("text")
    (event,) = sentry.events
    assert event["breadcrumbs"]["values"][-1]["message"] == "<Composed>"


# -- variables


@sensitive_variables("card")
def pay(card: str, size: int) -> None:
    assert card
    check(card)


def check(card: str) -> None:
    raise Broken(str(len(card)))


@sensitive_variables()
def pay_all(number: str) -> None:
    raise Broken(str(len(number)))


@sensitive_variables("card")
async def pay_later(card: str, size: int) -> None:
    raise Broken(str(len(card)))


@sensitive_variables()
async def pay_all_later(number: str) -> None:
    raise Broken(str(len(number)))


async def pay_openly(size: int) -> None:
    raise Broken(str(size))


def variables_of(event: Any) -> list[dict[str, Any]]:
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    return [frame.get("vars", {}) for frame in frames]


def test_variables_that_are_said_to_be_sensitive_are_hidden(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client):
        calls: Any = (lambda: pay(SECRET, 3), lambda: pay_all(SECRET))
        for call in calls:
            try:
                call()
            except Broken as error:
                client.capture_exception(error)
    named, everything = map(variables_of, sentry.events)
    hidden = "[Filtered]"
    assert named[-2:] == [{"card": hidden, "size": 3}, {"card": hidden}]
    assert set(named[-3].values()) == {hidden}
    assert everything[-1] == {"number": hidden}
    assert SECRET not in json.dumps([named, everything])


@sensitive_variables("card")
def pay_deep(card: str, depth: int) -> None:
    pay_deeper(card, depth)


def pay_deeper(card: str, depth: int) -> None:
    if depth == 0:
        raise Broken("deep")
    pay_deeper(card, depth - 1)


def test_variables_are_hidden_however_deep_their_stack_is(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client):
        try:
            pay_deep(SECRET, 300)
        except Broken as error:
            client.capture_exception(error)
    *_, last = variables_of(sentry.events[0])
    assert last == {"card": "[Filtered]", "depth": 0}
    assert SECRET not in json.dumps(sentry.events)


def test_the_same_in_coroutines(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client):
        coroutines: Any = (pay_later(SECRET, 3), pay_all_later(SECRET), pay_openly(3))
        for coroutine in coroutines:
            try:
                asyncio.run(coroutine)
            except Broken as error:
                client.capture_exception(error)
    named, everything, openly = (variables_of(event)[-1] for event in sentry.events)
    from django import VERSION

    if VERSION >= (5, 0):  # the first whose decorator knows coroutines
        assert named == {"card": "[Filtered]", "size": 3}
        assert everything == {"number": "[Filtered]"}
    assert openly == {"size": 3}


def test_they_are_shown_again_when_nobody_watches(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client):
        pass
    try:
        pay("pears", 3)
    except Broken as error:
        client.capture_exception(error)
    assert variables_of(sentry.events[0])[-1] == {"card": "pears"}
