"""How an event of a Starlette application is named, whose it is, and what it shows of the request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, BaseUser, SimpleUser, UnauthenticatedUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from asyncsentry.client import Client
from asyncsentry.integrations.starlette import setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.calling import call, http
from integrations.programs.shop import Broken


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


async def fail(_: Request) -> Response:
    raise Broken


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    raise Broken


def broken_app(client: Client[Any], **given: Any) -> Starlette:
    app = Starlette(**{"routes": [Route("/", fail)], **given})
    setup(app, client=client)
    return app


# Names


class Odd(BaseRoute):
    """A route of the application's own kind: this one fails when it is asked again."""

    def __init__(self) -> None:
        self._asked = False

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if self._asked:
            raise LookupError
        self._asked = True
        return Match.FULL, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise Broken


ITEM = Route("/items/{item:int}", fail)


@pytest.mark.parametrize(
    ("routes", "path", "name"),
    [
        ([Route("/other", fail), ITEM], "/items/7", "/items/{item}"),
        ([Mount("/shops/{shop:int}", routes=[ITEM])], "/shops/1/items/7", "/shops/{shop}/items/{item}"),
        ([Mount("/v1", Router([Mount("/api", routes=[ITEM])]))], "/v1/api/items/7", "/v1/api/items/{item}"),
        ([Mount("/v1", Starlette(routes=[ITEM]))], "/v1/items/7", "/v1/items/{item}"),
        ([Mount("", routes=[ITEM])], "/items/7", "/items/{item}"),
        ([Host("{sub}.test", Router([ITEM]))], "/items/7", "/items/{item}"),
        ([Mount("/files", asgi)], "/files/a/b", "/files/{path}"),
        ([Host("{sub}.test", asgi)], "/a/b", None),
        ([Odd()], "/a/b", None),
    ],
)
def test_an_event_is_named_by_the_patterns_that_lead_to_it(
    client: Client[Any], sentry: LocalSentry, routes: Sequence[BaseRoute], path: str, name: str | None
) -> None:
    app = Starlette(routes=routes)
    setup(app, client=client)
    call(app, http(path))
    (event,) = sentry.events
    source = "url" if name is None else "route"
    assert (event["transaction"], event["transaction_info"]["source"]) == (name or path, source)
    assert event["request"]["url"] == f"http://shop.test{path}"


def test_what_has_no_route_is_named_by_its_path(client: Client[Any], sentry: LocalSentry) -> None:
    routes = [Route("/only", fail, methods=["POST"]), Mount("/mounted", routes=[ITEM])]
    app = Starlette(routes=routes)
    setup(app, client=client, failed_request_status_codes=range(400, 600))
    for path in ("/none", "/mounted/none", "/only"):
        call(app, http(path))
    named = [(event["transaction"], event["transaction_info"]["source"]) for event in sentry.events]
    assert named == [("/none", "url"), ("/mounted/none", "url"), ("/only", "route")]


def test_an_application_in_another_one_names_its_own_routes(client: Client[Any], sentry: LocalSentry) -> None:
    inner = Starlette(routes=[ITEM])
    setup(inner, client=client)
    call(Starlette(routes=[Mount("/inner", inner)]), http("/root/inner/items/7", root_path="/root"))
    (event,) = sentry.events
    assert event["transaction"] == "/items/{item}"
    assert event["request"]["url"] == "http://shop.test/root/inner/items/7"


# Users


class Quiet(BaseUser):
    """One that tells no more than that it is somebody."""

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def display_name(self) -> str:
        return "Ada"

    @property
    def identity(self) -> str:
        raise NotImplementedError


class Numbered(Quiet):
    @property
    def identity(self) -> str:
        return "7"


class Wrong:
    """No user at all."""


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        (Numbered(), {"id": "7", "username": "Ada"}),
        (Quiet(), {"username": "Ada"}),
        (UnauthenticatedUser(), None),
        (Wrong(), None),
    ],
)
def test_who_is_authenticated_is_the_user(
    client: Client[Any], sentry: LocalSentry, user: BaseUser, shown: dict[str, str] | None
) -> None:
    class Backend(AuthenticationBackend):
        async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser]:
            return AuthCredentials(), user

    call(broken_app(client, middleware=[Middleware(AuthenticationMiddleware, backend=Backend())]), http())
    assert sentry.events[0].get("user") == shown


def test_starlettes_own_user_is_shown_only_where_that_is_asked_for(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    call(broken_app(open_client()), http(user=SimpleUser("Ada")))
    call(broken_app(open_client(send_default_pii=True)), http(user=SimpleUser("Ada")))
    assert [event.get("user", {}).get("username") for event in sentry.events] == [None, "Ada"]


def test_what_a_request_holds_is_not_among_the_variables(open_client: OpenClient, sentry: LocalSentry) -> None:
    async def endpoint(request: Request) -> Response:
        shopping = {"at": "shop"}
        raise Broken(shopping["at"])

    app = Starlette(routes=[Route("/", endpoint)])
    setup(app, client=open_client())
    headers = [("x-forwarded-for", "203.0.113.7")]
    call(app, http(headers=headers, query_string=b"token=quince", client=("203.0.113.8", 1)))
    (event,) = sentry.events
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert frames[-1]["vars"]["shopping"] == {"at": "shop"}
    assert frames[-1]["vars"]["request"] == "<starlette.requests.Request>"
    held = str([frame.get("vars") for frame in frames])
    assert [secret for secret in ("203.0.113", "quince") if secret in held] == []
