"""What is particular to FastAPI: dependencies, validation, routers in routers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import PlainTextResponse, Response
from starlette.applications import Starlette
from starlette.routing import Mount

import asyncsentry
from asyncsentry.client import Client
from asyncsentry.integrations import fastapi, starlette
from asyncsentry.integrations.fastapi import setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.calling import Application, call, http, websocket
from integrations.programs.shop import Broken
from integrations.serving import mechanism, outline

HANDLED, UNHANDLED = ("fastapi", True), ("fastapi", False)


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


@pytest.fixture
def app(client: Client[Any]) -> FastAPI:
    app = FastAPI()
    setup(app, client=client)
    return app


def kinds(sentry: LocalSentry) -> list[tuple[str, bool]]:
    return [mechanism(event) for event in sentry.events]


def names(sentry: LocalSentry) -> list[tuple[str, str]]:
    return [(event["transaction"], event["transaction_info"]["source"]) for event in sentry.events]


# Dependencies


def tagging(client: Client[Any]) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A dependency of each colour that sets a tag before and another after the request."""

    def sync() -> Iterator[None]:
        client.set_tag("before", "sync")
        try:
            yield
        finally:
            client.set_tag("after", "sync")

    async def colored() -> AsyncIterator[None]:
        client.set_tag("before", "async")
        try:
            yield
        finally:
            client.set_tag("after", "async")

    return sync, colored


@pytest.mark.parametrize("colour", [0, 1], ids=["sync", "async"])
def test_what_a_dependency_knows_is_known_of_the_request(
    client: Client[Any], app: FastAPI, sentry: LocalSentry, colour: int
) -> None:
    @app.get("/", dependencies=[Depends(tagging(client)[colour])])
    def endpoint() -> None:
        raise Broken

    assert isinstance(call(app, http()).raised, Broken)
    (event,) = sentry.events
    said = ("sync", "async")[colour]
    assert event["tags"] == {"before": said, "after": said}
    assert mechanism(event) == UNHANDLED


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_a_dependency_raises_is_reported(app: FastAPI, sentry: LocalSentry, colour: str, when: str) -> None:
    def sync() -> Iterator[None]:
        if when == "before":
            raise Broken(when)
        yield
        raise Broken(when)

    async def colored() -> AsyncIterator[None]:
        if when == "before":
            raise Broken(when)
        yield
        raise Broken(when)

    @app.get("/", dependencies=[Depends(sync if colour == "sync" else colored)])
    async def endpoint() -> str:
        return "fine"

    assert isinstance(call(app, http()).raised, Broken)
    assert list(map(outline, sentry.events)) == [f"Broken: {when}"]
    assert kinds(sentry) == [UNHANDLED]


def test_a_dependency_that_raises_another_error_has_the_first_as_its_context(app: FastAPI, sentry: LocalSentry) -> None:
    def dependency() -> Iterator[None]:
        try:
            yield
        except Broken:
            raise HTTPException(503) from None

    @app.get("/", dependencies=[Depends(dependency)])
    async def endpoint() -> None:
        raise Broken

    called = call(app, http())
    assert (called.status, called.raised) == (503, None)
    (event,) = sentry.events
    assert event["exception"]["values"][-1]["type"] == "HTTPException"
    assert mechanism(event) == HANDLED
    assert called.event_id == event["event_id"]


def test_a_background_task_that_fails_is_reported_after_the_answer(app: FastAPI, sentry: LocalSentry) -> None:
    def fail() -> None:
        raise Broken("background")

    @app.get("/")
    async def endpoint(tasks: BackgroundTasks) -> str:
        tasks.add_task(fail)
        return "fine"

    called = call(app, http())
    assert (called.status, called.event_id) == (200, None)
    assert list(map(outline, sentry.events)) == ["Broken: background"]
    assert kinds(sentry) == [UNHANDLED]


# Validation


def test_a_request_that_is_not_valid_is_the_clients_mistake_and_an_answer_that_is_not_is_ours(
    app: FastAPI, sentry: LocalSentry
) -> None:
    @app.get("/item/{number}")
    async def endpoint(number: int) -> int:
        return "no number"  # type: ignore[return-value]

    called = call(app, http("/item/x"))
    assert (called.status, called.event_id) == (422, None)
    called = call(app, http("/item/7"))
    (event,) = sentry.events
    assert (called.status, called.event_id) == (500, event["event_id"])
    assert event["exception"]["values"][-1]["type"] == "ResponseValidationError"
    assert mechanism(event) == UNHANDLED


@pytest.mark.parametrize(("status", "expected"), [(400, []), (500, [HANDLED])])
def test_an_exception_handler_answers(
    client: Client[Any], app: FastAPI, sentry: LocalSentry, status: int, expected: list[tuple[str, bool]]
) -> None:
    @app.exception_handler(Broken)
    async def handler(request: Request, error: Exception) -> Response:
        return Response(status_code=status)

    @app.exception_handler(Exception)
    async def page(request: Request, error: Exception) -> Response:
        return PlainTextResponse(client.last_event_id(), 500)

    @app.get("/{which}")
    async def endpoint(which: str) -> None:
        raise Broken if which == "broken" else LookupError

    assert call(app, http("/broken")).status == status
    assert kinds(sentry) == expected
    called = call(app, http("/other"))
    assert called.body == called.event_id == sentry.events[-1]["event_id"]
    assert mechanism(sentry.events[-1]) == UNHANDLED


# Names


def router(name: str = "/{item}") -> APIRouter:
    router = APIRouter()

    @router.get(name)
    async def endpoint() -> None:
        raise Broken

    @router.websocket("/socket/{room}")
    async def talk(socket: WebSocket) -> None:
        raise Broken

    return router


def nested() -> APIRouter:
    outer = APIRouter(prefix="/items")
    outer.include_router(router(), prefix="/{kind}")
    return outer


def test_routers_in_routers_name_an_event(app: FastAPI, sentry: LocalSentry) -> None:
    app.include_router(nested())
    app.include_router(nested(), prefix="/v2")
    for path in ("/items/pears/7", "/v2/items/pears/7"):
        call(app, http(path))
        call(app, websocket(path.replace("7", "socket/1")), {"type": "websocket.connect"})
    assert names(sentry) == [
        (f"{prefix}/items/{{kind}}/{end}", "route") for prefix in ("", "/v2") for end in ("{item}", "socket/{room}")
    ]


def test_applications_in_applications_name_an_event(client: Client[Any], app: FastAPI, sentry: LocalSentry) -> None:
    inner = FastAPI()
    inner.include_router(nested())
    app.mount("/inner/{number}", inner)
    outer = Starlette(routes=[Mount("/outer", inner)])
    starlette.setup(outer, client=client)
    call(app, http("/inner/1/items/pears/7"))
    call(outer, http("/outer/items/pears/7"))
    call(app, http("/root/inner/1/items/pears/7", root_path="/root"))
    assert names(sentry) == [
        ("/inner/{number}/items/{kind}/{item}", "route"),
        ("/outer/items/{kind}/{item}", "route"),
        ("/inner/{number}/items/{kind}/{item}", "route"),
    ]
    assert kinds(sentry) == [UNHANDLED, ("starlette", False), UNHANDLED]


def test_of_two_methods_of_one_path_both_are_routes(app: FastAPI, sentry: LocalSentry) -> None:
    @app.get("/{number}")
    async def fine(number: int) -> int:
        return number

    @app.post("/{name}")
    async def fail(name: Annotated[str, Depends(lambda name: name)]) -> None:
        raise Broken

    call(app, http("/7", method="POST"))
    assert names(sentry) == [("/{name}", "route")]


@pytest.mark.parametrize("module", [fastapi, starlette])
def test_either_module_sets_it_up(sentry: LocalSentry, module: Any) -> None:
    app = FastAPI()
    uninstall = module.setup(app, sentry.dsn_for("urllib"), release="1")
    try:
        app.include_router(router())
        call(app, http("/7"))
    finally:
        uninstall()
        asyncsentry.close(5)
    (event,) = sentry.events
    assert mechanism(event) == (module.__name__.rpartition(".")[2], False)
    assert event["release"] == "1"
    unwatched: Application = app
    assert call(unwatched, http("/7")).event_id is None
