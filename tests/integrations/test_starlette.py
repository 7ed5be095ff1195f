"""What is particular to Starlette: who answers an error, what is mounted, names, users, where it is watched."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException, WebSocketException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from asyncsentry.client import Client
from asyncsentry.errors import SetupError
from asyncsentry.hooks.logging import install
from asyncsentry.integrations.starlette import setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.calling import call, http, lifespan, websocket
from integrations.programs.shop import Broken
from integrations.serving import mechanism, outline

HANDLED, UNHANDLED = ("starlette", True), ("starlette", False)


class Passing(BaseHTTPMiddleware):
    """Middleware that serves in another task, and changes nothing."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)


class Answering(BaseHTTPMiddleware):
    """Middleware that answers whatever is raised."""

    def __init__(self, app: ASGIApp, status: int) -> None:
        super().__init__(app)
        self._status = status

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        try:
            return await call_next(request)
        except Exception:
            pass
        return Response(status_code=self._status)


BEHIND: dict[str, list[Middleware]] = {
    "alone": [],
    "behind middleware": [Middleware(Passing)],
    "behind two": [Middleware(Passing)] * 2,
}


@pytest.fixture(params=BEHIND.values(), ids=list(BEHIND))
def behind(request: pytest.FixtureRequest) -> Sequence[Middleware]:
    """The application's middleware."""
    given: Sequence[Middleware] = request.param
    return given


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


@pytest.fixture
def hooked(client: Client[Any]) -> Iterator[Client[Any]]:
    """A client that hears what is logged."""
    uninstall = install(client)
    yield client
    uninstall()


def raising(error: Exception) -> Callable[[Request], Response]:
    def endpoint(_: Request) -> Response:
        raise error

    return endpoint


def kinds(sentry: LocalSentry) -> list[tuple[str, bool]]:
    return [mechanism(event) for event in sentry.events]


def ids(sentry: LocalSentry) -> list[str | None]:
    return [event["event_id"] for event in sentry.events]


# Who answers


def broken_app(client: Client[Any], error: Exception, **given: Any) -> Starlette:
    app = Starlette(routes=[Route("/", raising(error))], **given)
    setup(app, client=client)
    return app


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        (HTTPException(403), 403, []),
        (HTTPException(503), 503, [HANDLED]),
        (Broken(), 500, [UNHANDLED]),
    ],
)
def test_starlette_answers_some_errors_itself(
    client: Client[Any],
    sentry: LocalSentry,
    behind: Sequence[Middleware],
    error: Exception,
    status: int,
    expected: list[tuple[str, bool]],
) -> None:
    called = call(broken_app(client, error, middleware=behind), http())
    assert called.status == status
    assert kinds(sentry) == expected
    assert [called.event_id] == (ids(sentry) or [None])
    assert called.raised is (error if expected == [UNHANDLED] else None)


@pytest.mark.parametrize(("status", "expected"), [(400, []), (500, [HANDLED])])
@pytest.mark.parametrize("colour", ["async", "sync"])
def test_the_application_answers_errors_of_a_class(
    client: Client[Any],
    sentry: LocalSentry,
    behind: Sequence[Middleware],
    status: int,
    expected: list[tuple[str, bool]],
    colour: str,
) -> None:
    def sync_handler(_: Request, error: Exception) -> Response:
        return Response(status_code=status)

    async def handler(request: Request, error: Exception) -> Response:
        return sync_handler(request, error)

    handlers = {Broken: handler if colour == "async" else sync_handler}
    called = call(broken_app(client, Broken(), middleware=behind, exception_handlers=handlers), http())
    assert (called.status, called.raised) == (status, None)
    assert kinds(sentry) == expected
    assert [called.event_id] == (ids(sentry) or [None])


@pytest.mark.parametrize("key", [500, Exception])
@pytest.mark.parametrize("colour", ["async", "sync"])
def test_an_error_page_for_what_nobody_handles_knows_the_event(
    client: Client[Any], sentry: LocalSentry, behind: Sequence[Middleware], key: object, colour: str
) -> None:
    def sync_page(_: Request, error: Exception) -> Response:
        return PlainTextResponse(client.last_event_id(), 500)

    async def page(request: Request, error: Exception) -> Response:
        return sync_page(request, error)

    handlers = {key: page if colour == "async" else sync_page}
    error = Broken()
    called = call(broken_app(client, error, middleware=behind, exception_handlers=handlers), http())
    assert called.raised is error
    assert kinds(sentry) == [UNHANDLED]
    assert [called.body] == [called.event_id] == ids(sentry)


def test_the_page_of_debug_mode_is_not_the_applications_answer(client: Client[Any], sentry: LocalSentry) -> None:
    called = call(broken_app(client, Broken(), debug=True), http(headers=[("accept", "text/plain")]))
    assert "Traceback" in called.body
    assert kinds(sentry) == [UNHANDLED]


def test_an_error_in_an_error_page_is_reported_too(client: Client[Any], sentry: LocalSentry) -> None:
    def page(_: Request, error: Exception) -> Response:
        raise LookupError("page")

    call(broken_app(client, Broken("first"), exception_handlers={Exception: page}), http())
    assert list(map(outline, sentry.events)) == ["Broken: first", "LookupError: page"]
    assert kinds(sentry) == [UNHANDLED, UNHANDLED]


def test_an_error_that_a_handler_raises_itself_is_reported_with_what_it_was_to_answer(
    client: Client[Any], sentry: LocalSentry
) -> None:
    def handler(_: Request, error: Exception) -> Response:
        raise LookupError("handler")

    call(broken_app(client, Broken("first"), exception_handlers={Broken: handler}), http())
    (event,) = sentry.events
    assert [error["type"] for error in event["exception"]["values"]] == ["Broken", "LookupError"]
    assert kinds(sentry) == [UNHANDLED]


@pytest.mark.parametrize(("status", "expected"), [(404, []), (500, [HANDLED])])
def test_middleware_may_answer(
    client: Client[Any], sentry: LocalSentry, status: int, expected: list[tuple[str, bool]]
) -> None:
    middleware = [Middleware(Passing), Middleware(Answering, status=status), Middleware(Passing)]
    scope = http()
    called = call(broken_app(client, Broken(), middleware=middleware), scope)
    assert (called.status, called.raised) == (status, None)
    assert kinds(sentry) == expected
    assert [called.event_id] == (ids(sentry) or [None])
    assert "asyncsentry.caught" not in scope


def test_middleware_that_is_added_later_is_watched_as_well(client: Client[Any], sentry: LocalSentry) -> None:
    class Failing(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
            raise Broken("middleware")

    app = broken_app(client, Broken("endpoint"))
    app.add_middleware(Failing)
    called = call(app, http())
    assert list(map(outline, sentry.events)) == ["Broken: middleware"]
    assert [called.event_id] == ids(sentry)


@pytest.mark.parametrize("middleware", [[], [Middleware(Passing)]], ids=["alone", "behind middleware"])
def test_what_is_mounted_makes_error_pages_of_its_own_but_handles_nothing_by_that(
    client: Client[Any], sentry: LocalSentry, behind: Sequence[Middleware], middleware: Sequence[Middleware]
) -> None:
    inner = Starlette(
        routes=[Route("/broken", raising(Broken())), Route("/busy", raising(HTTPException(503)))],
        middleware=middleware,
        exception_handlers={Exception: lambda request, error: Response("inner", 500)},
    )
    app = Starlette(routes=[Mount("/inner", inner)], middleware=behind)
    setup(app, client=client)
    called = call(app, http("/inner/broken"))
    assert called.body == "inner"
    assert [called.event_id] == ids(sentry)
    assert kinds(sentry) == [UNHANDLED]


def test_what_is_mounted_may_be_set_up_too(client: Client[Any], sentry: LocalSentry) -> None:
    def page(_: Request, error: Exception) -> Response:
        return PlainTextResponse(client.last_event_id(), 500)

    inner = broken_app(client, Broken(), exception_handlers={Exception: page})
    app = Starlette(routes=[Mount("/inner", inner)])
    setup(app, client=client)
    called = call(app, http("/inner/"))
    assert [called.body] == [called.event_id] == ids(sentry)
    assert [name for name, _ in called.said[0]["headers"]].count(b"x-sentry-id") == 1
    assert kinds(sentry) == [UNHANDLED]
    assert sentry.events[0]["transaction"] == "/"


# Where errors come from


async def fail() -> None:
    raise Broken("later")


def in_a_background_task(_: Request) -> Response:
    return Response(background=BackgroundTask(fail))


def in_a_stream(_: Request) -> Response:
    async def stream() -> AsyncIterator[bytes]:
        yield b"begun"
        raise Broken("later")

    return StreamingResponse(stream())


@pytest.mark.parametrize("endpoint", [in_a_background_task, in_a_stream])
@pytest.mark.parametrize("version", ["2.0", "2.4"])
def test_what_is_raised_after_the_answer_began_is_reported_once_and_as_it_is(
    client: Client[Any],
    sentry: LocalSentry,
    behind: Sequence[Middleware],
    endpoint: Callable[[Request], Response],
    version: str,
) -> None:
    app = Starlette(routes=[Route("/", endpoint)], middleware=behind)
    setup(app, client=client)
    called = call(app, http(asgi={"version": "3.0", "spec_version": version}))
    assert called.status == 200
    assert isinstance(called.raised, Broken)
    assert list(map(outline, sentry.events)) == ["Broken: later"]
    assert kinds(sentry) == [UNHANDLED]


def test_a_client_that_is_gone_is_no_error(hooked: Client[Any], sentry: LocalSentry) -> None:
    async def read(request: Request) -> Response:
        return Response(await request.body())

    async def stream(_: Request) -> Response:
        async def body() -> AsyncIterator[bytes]:
            yield b"begun"

        return StreamingResponse(body())

    app = Starlette(routes=[Route("/read", read), Route("/stream", stream)])
    setup(app, client=hooked)
    for called in (call(app, http("/read")), call(app, http("/stream"), gone=True)):
        assert called.raised is not None
        logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=called.raised)
    assert sentry.events == ()


def sockets(client: Client[Any], endpoint: Callable[[WebSocket], Any]) -> Starlette:
    app = Starlette(routes=[WebSocketRoute("/rooms/{room}", endpoint)])
    setup(app, client=client)
    return app


CONNECT = {"type": "websocket.connect"}
DISCONNECT = {"type": "websocket.disconnect", "code": 1001}


def test_a_websocket_that_its_client_closes_is_no_error(hooked: Client[Any], sentry: LocalSentry) -> None:
    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive_text()

    async def listen_in_a_group(socket: WebSocket) -> None:
        try:
            await listen(socket)
        except Exception as error:
            raise group("all gone", [error, group("too", [error])])  # noqa: B904 - as groups of tasks do

    group: Any = getattr(__import__("builtins"), "ExceptionGroup", None) or __import__("exceptiongroup").ExceptionGroup
    for endpoint in (listen, listen_in_a_group):
        called = call(sockets(hooked, endpoint), websocket("/rooms/1"), CONNECT, DISCONNECT)
        assert called.raised is not None
        logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=called.raised)
    assert sentry.events == ()


def test_an_error_in_a_websocket_is_named_by_its_route(client: Client[Any], sentry: LocalSentry) -> None:
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        raise Broken("socket")

    async def refuse(socket: WebSocket) -> None:
        raise WebSocketException(1008)

    assert call(sockets(client, refuse), websocket("/rooms/1"), CONNECT).raised is None
    assert isinstance(call(sockets(client, talk), websocket("/rooms/1"), CONNECT).raised, Broken)
    (event,) = sentry.events
    assert mechanism(event) == UNHANDLED
    assert (event["transaction"], event["transaction_info"]["source"]) == ("/rooms/{room}", "route")


def test_middleware_that_knows_no_lifespan_is_no_error(client: Client[Any], sentry: LocalSentry) -> None:
    class Strict:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            assert scope["type"] == "http"
            await self.app(scope, receive, send)

    app = broken_app(client, Broken(), middleware=[Middleware(Strict)])
    assert call(app, lifespan()).raised is not None
    assert sentry.events == ()


# Where it is watched


def test_of_two_calls_the_later_counts(client: Client[Any], open_client: OpenClient, sentry: LocalSentry) -> None:
    app = Starlette(routes=[Route("/", raising(HTTPException(418)))])
    setup(app, client=open_client(""))
    setup(app, client=client, failed_request_status_codes={418})
    assert call(app, http()).status == 418
    setup(app, client=client)
    assert call(app, http()).status == 418
    assert kinds(sentry) == [HANDLED]


def test_an_application_that_serves_already_is_set_up_too_late(client: Client[Any]) -> None:
    app = Starlette()
    call(app, http())
    with pytest.raises(SetupError, match="has begun to serve"):
        setup(app, client=client)


def test_an_application_that_is_watched_no_more_is_as_it_was(client: Client[Any], sentry: LocalSentry) -> None:
    app = Starlette(routes=[Route("/", raising(Broken()))], middleware=[Middleware(Passing)])
    before, middleware = {**vars(app)}, [*app.user_middleware]
    uninstall = setup(app, client=client)
    uninstall()
    uninstall()
    assert vars(app) == before
    setup(app, client=client)
    assert call(app, http()).event_id is not None
    assert app.user_middleware == middleware
    assert len(sentry.events) == 1


def test_a_watch_that_ends_while_the_application_serves_is_silent_until_the_next(
    client: Client[Any], sentry: LocalSentry
) -> None:
    def endpoint(_: Request) -> Response:
        raise Broken

    app = Starlette(routes=[Route("/", endpoint)])
    uninstall = setup(app, client=client)
    for watched in (True, False, True):
        assert (call(app, http()).event_id is not None) is watched
        uninstall() if watched else setup(app, client=client)
    assert len(sentry.events) == 2


def test_others_may_have_their_hands_in_it_before_and_after(client: Client[Any], sentry: LocalSentry) -> None:
    app = Starlette(routes=[Route("/", raising(Broken()))])
    built: list[str] = []

    def wrap(name: str) -> Any:
        build = app.build_middleware_stack

        def build_middleware_stack() -> ASGIApp:
            built.append(name)
            return build()

        vars(app)["build_middleware_stack"] = build_middleware_stack
        return build_middleware_stack

    first = wrap("first")
    setup(app, client=client)()
    assert vars(app)["build_middleware_stack"] is first
    uninstall = setup(app, client=client)
    last = wrap("last")
    uninstall()
    assert vars(app)["build_middleware_stack"] is last
    assert call(app, http()).event_id is None
    assert built == ["last", "first"]
    assert sentry.events == ()
