"""What is particular to Litestar."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from litestar import Litestar, Request, Response, WebSocket, exceptions, get, post, websocket
from litestar.background_tasks import BackgroundTask, BackgroundTasks
from litestar.di import Provide
from litestar.logging import LoggingConfig
from litestar.response import Stream

from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.hooks import logging as logging_hook
from asyncsentry.integrations.litestar import SentryPlugin, setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.asgi_connections import GONE, ask, converse
from integrations.serving import mechanism, outline


class Broken(Exception):
    """What goes wrong."""


@get("/fail/{what:str}")
async def fail(request: Request[Any, Any, Any]) -> None:
    raise Broken(request.path_params["what"])


@get("/well")
async def well() -> None: ...


def application(*handlers: Any, **more: Any) -> Any:
    return Litestar([fail, well, *handlers], openapi_config=None, **more)


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


def outlines(sentry: LocalSentry) -> list[str]:
    return [outline(event) for event in sentry.events]


def test_the_plugin_and_setup_watch_the_same_application_once(
    client: Client[Any], open_client: OpenClient, sentry: LocalSentry
) -> None:
    app = application(plugins=[SentryPlugin(client=open_client()), SentryPlugin(client=open_client())])
    setup(app, client=client)
    setup(app, client=client)
    answer = ask(app, "/fail/once")
    assert outlines(sentry) == ["Broken: once"]
    assert answer.headers[b"x-sentry-id"].decode() == sentry.events[0]["event_id"]
    with pytest.raises(OptionError):
        setup(app, client=client, failed_request_status_codes={5000})


def test_all_is_as_before_once_it_is_taken_off(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    before = app.asgi_handler, app.asgi_router, list(app.after_exception)
    uninstall = setup(app, client=client)
    assert app.asgi_router.root_route_map_node is before[1].root_route_map_node
    uninstall()
    uninstall()
    assert (app.asgi_handler, app.asgi_router, app.after_exception) == before
    assert ask(app, "/fail/unseen").status == 500
    assert sentry.events == ()


def test_what_somebody_has_wrapped_since_stays_and_does_nothing(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    uninstall = setup(app, client=client)
    ours, router = app.asgi_handler, app.asgi_router
    app.asgi_handler = lambda *connection: ours(*connection)
    app.asgi_router = SimpleNamespace()
    uninstall()
    assert app.asgi_handler is not ours
    assert router is not app.asgi_router
    assert ask(app, "/fail/unseen").status == 500
    assert sentry.events == ()


def test_where_nobody_tells_of_the_start_the_first_request_begins_it(client: Client[Any], sentry: LocalSentry) -> None:
    app = application(plugins=[SentryPlugin(client=client)])
    assert ask(app, "/well").status == 200
    assert ask(app, "/fail/seen").status == 500
    assert [(outline(event), event["transaction"]) for event in sentry.events] == [("Broken: seen", "/fail/{what}")]


def test_an_application_of_websockets_alone_is_watched_too(client: Client[Any], sentry: LocalSentry) -> None:
    @websocket("/socket")
    async def talk(socket: WebSocket[Any, Any, Any]) -> None:
        raise Broken("before anything was said")

    app = Litestar([talk], openapi_config=None, plugins=[SentryPlugin(client=client)])
    asyncio.run(_live(app))
    converse(app, "/socket")
    assert outlines(sentry) == ["Broken: before anything was said"]


async def _live(app: Any) -> None:
    """An application's life, in which nothing happens."""
    told = iter(["lifespan.startup", "lifespan.shutdown"])
    said: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": next(told)}

    async def send(message: dict[str, str]) -> None:
        said.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.parametrize("key", [Broken, Exception, 500])
@pytest.mark.parametrize("status", [400, 500])
def test_what_an_exception_handler_answers_is_reported_if_the_answer_says_so(
    client: Client[Any], sentry: LocalSentry, key: Any, status: int
) -> None:
    app = application(exception_handlers={key: lambda request, error: Response("sorry", status_code=status)})
    setup(app, client=client)
    assert ask(app, "/fail/answered").status == status
    assert [mechanism(event) for event in sentry.events] == [("litestar", True)] * (status == 500)


def test_an_exception_handler_that_fails_itself_makes_one_event_of_both(
    client: Client[Any], sentry: LocalSentry
) -> None:
    def answer(request: Any, error: Exception) -> Any:
        raise LookupError("no page for it")

    app = application(exception_handlers={Broken: answer})
    setup(app, client=client)
    assert isinstance(ask(app, "/fail/first").raised, LookupError)
    (event,) = sentry.events
    assert [error["value"] for error in event["exception"]["values"]] == ["first", "no page for it"]
    assert mechanism(event) == ("litestar", False)


@pytest.mark.filterwarnings(
    "ignore:.*Inferred dependency field:DeprecationWarning"
)  # of dependencies: older ones know no other
def test_what_litestar_refuses_is_no_error_and_what_a_dependency_raises_is(
    client: Client[Any], sentry: LocalSentry
) -> None:
    def refuse(*_: object) -> None:
        raise exceptions.NotAuthorizedException

    def broken() -> int:
        raise Broken("in a dependency")

    @get("/guarded", guards=[refuse])
    async def guarded() -> None: ...

    @get("/invalid")
    async def invalid() -> None:
        raise exceptions.ValidationException

    @get("/depends", dependencies={"needed": Provide(broken, sync_to_thread=False)})
    async def depends(needed: int) -> None: ...

    app = application(guarded, invalid, depends)
    setup(app, client=client)
    assert [ask(app, path).status for path in ("/guarded", "/invalid", "/nowhere", "/depends")] == [401, 400, 404, 500]
    assert outlines(sentry) == ["Broken: in a dependency"]


def test_what_closes_a_websocket_is_reported_if_its_code_says_so(client: Client[Any], sentry: LocalSentry) -> None:
    raised: list[Exception] = [
        exceptions.WebSocketException(detail="refused", code=4403),
        exceptions.NotAuthorizedException("who is there"),
        exceptions.WebSocketDisconnect(detail="gone"),
        exceptions.WebSocketException(detail="broken", code=4500),
        exceptions.InternalServerException("failed"),
        Broken("unseen"),
    ]

    @websocket("/socket", exception_handlers={Broken: lambda request, error: Response("")})
    async def talk(socket: WebSocket[Any, Any, Any]) -> None:
        raise raised.pop(0)

    app = application(talk)
    setup(app, client=client)
    while raised:
        converse(app, "/socket")
    found = [(event["exception"]["values"][-1]["type"], mechanism(event)[1]) for event in sentry.events]
    assert found == [("WebSocketException", True), ("InternalServerException", True), ("Broken", False)]


def test_that_a_client_leaves_is_no_error(client: Client[Any], sentry: LocalSentry) -> None:
    @post("/read")
    async def read(request: Request[Any, Any, Any]) -> bytes:
        return await request.body()

    @get("/stream")
    async def stream() -> Stream:
        async def parts() -> AsyncIterator[bytes]:
            yield b"begun"

        return Stream(parts())

    @websocket("/socket")
    async def talk(socket: WebSocket[Any, Any, Any]) -> None:
        await socket.accept()

    app = application(read, stream, talk)
    setup(app, client=client)
    begun = {"type": "http.request", "body": b"begun", "more_body": True}
    ask(app, "/read", begun, GONE, method="POST")
    ask(app, "/stream", deaf=True)
    converse(app, "/socket", deaf=True)
    assert sentry.events == ()


def test_what_litestar_logs_of_an_error_makes_no_second_event_and_no_other_of_the_first(
    client: Client[Any], sentry: LocalSentry
) -> None:
    uninstall = logging_hook.install(client)
    app = application(logging_config=LoggingConfig(log_exceptions="always"), debug=True)
    taken_off = setup(app, client=client)
    ask(app, "/fail/logged")
    ask(app, "/nowhere")
    assert [(outline(event), mechanism(event)) for event in sentry.events] == [("Broken: logged", ("litestar", False))]
    taken_off()
    ask(app, "/fail/logged by itself")
    assert [mechanism(event)[0] for event in sentry.events] == ["litestar", "logging"]
    uninstall()


class Slotted:
    """A user with slots, as those of msgspec are."""

    __slots__ = ("email", "id")

    def __init__(self, id: int) -> None:
        self.id = id


class Computed:
    """A user that would ask a database."""

    @property
    def id(self) -> int:
        raise AssertionError("computed")


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        (SimpleNamespace(id=7, username="Ada", password="quince"), {"id": "7", "username": "Ada"}),
        ({"email": "ada@example.com"}, {"email": "ada@example.com"}),
        (Slotted(7), {"id": "7"}),
        (Computed(), None),
        (None, None),
    ],
)
def test_the_user_is_whom_the_authentication_has_found(
    client: Client[Any], sentry: LocalSentry, user: object, shown: dict[str, str] | None
) -> None:
    def authenticate(app: Any) -> Any:
        async def middleware(scope: Any, receive: Any, send: Any) -> None:
            scope["user"] = user
            await app(scope, receive, send)

        return middleware

    app = application(middleware=[authenticate])
    setup(app, client=client)
    ask(app, "/fail/for a user")
    known = sentry.events[0].get("user")
    assert (known and {name: str(fact) for name, fact in known.items()}) == shown


def test_what_is_raised_in_a_group_after_the_answer_is_reported_as_it_was_raised(
    client: Client[Any], sentry: LocalSentry
) -> None:
    async def work(number: int) -> None:
        raise Broken(f"task {number}")

    tasks = [BackgroundTask(work, number) for number in range(2)]

    @get("/works")
    async def works() -> Any:
        background = BackgroundTasks(tasks, run_in_task_group=True)
        return Response("well", background=background)

    app = application(works)
    setup(app, client=client)
    assert ask(app, "/works").raised is not None
    (event,) = sentry.events
    assert {"task 0", "task 1"} <= {error["value"] for error in event["exception"]["values"]}
    assert mechanism(event) == ("litestar", False)
