"""The shop on Litestar."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, MediaType, Request, Response, WebSocket, get, post, websocket
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import PermissionDeniedException, ServiceUnavailableException
from litestar.response import Stream
from litestar.types import ASGIApp, Receive, Scope, Send

import asyncsentry
from asyncsentry.integrations.litestar import SentryPlugin
from integrations.programs import shop


@get("/fine", media_type=MediaType.TEXT)
async def fine() -> str:
    return "fine"


@get("/fail")
async def fail() -> None:
    shop.fail("fail")


@get("/chained")
async def chained() -> None:
    shop.fail_in_a_chain()


@get("/handled")
async def handled() -> None:
    shop.handle()


@get("/refused")
async def refused() -> None:
    raise PermissionDeniedException


@get("/unavailable")
async def unavailable() -> None:
    raise ServiceUnavailableException


def answer(request: Request[Any, Any, Any], error: shop.Broken) -> Response[str]:
    if request.url.path == "/excused":
        return Response("", status_code=404, media_type=MediaType.TEXT)
    asyncsentry.capture_exception(error)  # for its id; the integration would report it later
    return Response(asyncsentry.last_event_id() or "", status_code=500, media_type=MediaType.TEXT)


@get(["/page", "/excused"], exception_handlers={shop.Broken: answer})
async def answered_by_the_exception_handler(request: Request[Any, Any, Any]) -> None:
    raise shop.Broken(request.url.path[1:])


def own(app: ASGIApp) -> ASGIApp:
    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/middleware":
            raise shop.Broken("middleware")
        await app(scope, receive, send)

    return middleware


@get("/middleware")
async def behind() -> None: ...


@get("/stream")
async def stream() -> Stream:
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        raise shop.Broken("stream")

    return Stream(parts())


@get("/endless")
async def endless() -> Stream:
    async def parts() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"more"
                await asyncio.sleep(0.001)
        finally:
            asyncsentry.capture_message("gone")

    return Stream(parts())


@get("/background")
async def background() -> Response[None]:
    return Response(None, background=BackgroundTask(shop.fail_later, "background"))


@post("/echo", status_code=200)
async def echo(request: Request[Any, Any, Any]) -> bytes:
    body = await request.body()
    if "fail" in request.query_params:
        shop.fail("echo")
    return body


@post("/unread")
async def unread() -> None:
    shop.fail("unread")


@post("/late", status_code=200)
async def late(request: Request[Any, Any, Any]) -> bytes:
    asyncsentry.capture_message("late")
    return await request.body()


@get("/item/{number:str}")
async def item() -> None:
    shop.fail("item")


@get("/user/{number:str}")
async def user(request: Request[Any, Any, Any]) -> None:
    number = request.path_params["number"]
    shop.serve_user(number)
    await shop.meet(int(request.query_params.get("of", 1)))
    shop.fail_for_user(number)


@get("/plain")
async def plain() -> None:
    asyncsentry.capture_message("plain")


@get("/timeout")
async def timeout() -> None:
    await shop.time_out()


@get("/scopes/{where:str}")
async def scopes(request: Request[Any, Any, Any]) -> None:
    where = request.path_params["where"]
    await shop.INSIDE[where]()
    raise shop.Broken(f"outside {where}")


@websocket("/socket")
async def talk(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    while True:
        said = await socket.receive_text()
        word, _, rest = said.partition(" ")
        if word == "fail":
            raise shop.Broken("socket")
        if word == "tag":
            asyncsentry.set_tag("number", rest)
        await socket.send_text(said)


async def start() -> None:
    shop.fail_at("startup")


async def end() -> None:
    shop.fail_at("shutdown")
    asyncsentry.capture_message("goodbye")


app = Litestar(
    [
        *(fine, fail, chained, handled, refused, unavailable, answered_by_the_exception_handler, behind, stream),
        endless,
        *(background, echo, unread, late, item, user, plain, timeout, scopes, talk),
    ],
    middleware=[own],
    on_startup=[start],
    on_shutdown=[end],
    plugins=[SentryPlugin(**shop.options())],
)
asyncsentry.capture_message("early")
