"""The shop as a Starlette application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

import asyncsentry
from asyncsentry.integrations.starlette import setup
from integrations.programs import shop
from integrations.programs.starlette_streams import Endless


async def fine(_: Request) -> Response:
    return PlainTextResponse("fine")


async def fail(_: Request) -> Response:
    shop.fail("fail")
    return Response()


async def chained(_: Request) -> Response:
    shop.fail_in_a_chain()
    return Response()


async def handled(_: Request) -> Response:
    shop.handle()
    return Response()


async def refused(_: Request) -> Response:
    raise HTTPException(403)


async def unavailable(_: Request) -> Response:
    raise HTTPException(503)


async def answered_by_the_middleware(request: Request) -> Response:
    raise shop.Broken(request.url.path[1:])


async def stream(_: Request) -> Response:
    async def answer() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.sleep(0.01)
        raise shop.Broken("stream")

    return StreamingResponse(answer())


async def endless(_: Request) -> Response:
    return Endless()


async def background(_: Request) -> Response:
    return Response(background=BackgroundTask(shop.fail_later, "background"))


async def echo(request: Request) -> Response:
    body = await request.body()
    if "fail" in request.query_params:
        shop.fail("echo")
    return Response(body)


async def unread(_: Request) -> Response:
    shop.fail("unread")
    return Response()


async def late(request: Request) -> Response:
    asyncsentry.capture_message("late")
    return Response(await request.body())


async def item(_: Request) -> Response:
    shop.fail("item")
    return Response()


async def user(request: Request) -> Response:
    number = request.path_params["number"]
    shop.serve_user(number)
    await shop.meet(int(request.query_params.get("of", 1)))
    shop.fail_for_user(number)
    return Response()


async def plain(_: Request) -> Response:
    asyncsentry.capture_message("plain")
    return Response()


async def timeout(_: Request) -> Response:
    await shop.time_out()
    return Response()


def in_the_pool(_: Request) -> Response:
    shop.note("pool")
    raise shop.Broken("outside pool")


async def scopes(request: Request) -> Response:
    where = request.path_params["where"]
    await shop.INSIDE[where]()
    raise shop.Broken(f"outside {where}")


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    while True:
        text = await socket.receive_text()
        word, _, rest = text.partition(" ")
        if word == "fail":
            raise shop.Broken("socket")
        if word == "tag":
            asyncsentry.set_tag("number", rest)
        await socket.send_text(text)


class Own(BaseHTTPMiddleware):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/stream":  # whose end it would make one like any other
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        if request.url.path == "/middleware":
            raise shop.Broken("middleware")
        try:
            return await call_next(request)
        except shop.Broken as error:
            if request.url.path == "/page":
                asyncsentry.capture_exception(error)  # for its id; the integration would report it later
                return PlainTextResponse(asyncsentry.last_event_id(), 500)
            if request.url.path == "/excused":
                return Response(status_code=404)
            raise


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    shop.fail_at("startup")
    yield
    shop.fail_at("shutdown")
    asyncsentry.capture_message("goodbye")


app = Starlette(
    routes=[
        Route("/fine", fine),
        Route("/fail", fail),
        Route("/chained", chained),
        Route("/handled", handled),
        Route("/refused", refused),
        Route("/unavailable", unavailable),
        Route("/page", answered_by_the_middleware),
        Route("/excused", answered_by_the_middleware),
        Route("/stream", stream),
        Route("/endless", endless),
        Route("/background", background),
        Route("/echo", echo, methods=["POST"]),
        Route("/unread", unread, methods=["POST"]),
        Route("/late", late, methods=["POST"]),
        Mount("/item", routes=[Route("/{number:int}", item)]),
        Route("/user/{number}", user),
        Route("/plain", plain),
        Route("/timeout", timeout),
        Route("/scopes/pool", in_the_pool),
        Route("/scopes/{where}", scopes),
        WebSocketRoute("/socket", talk),
    ],
    middleware=[Middleware(Own)],
    lifespan=lifespan,
)
setup(app, **shop.options())
asyncsentry.capture_message("early")
