"""The shop as a FastAPI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

import asyncsentry
from asyncsentry.integrations.fastapi import setup
from integrations.programs import shop
from integrations.programs.starlette_streams import Endless


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    shop.fail_at("startup")
    yield
    shop.fail_at("shutdown")
    asyncsentry.capture_message("goodbye")


class Own:
    """The application's own middleware, of Starlette's plain kind."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path")
        if path == "/middleware":
            raise shop.Broken("middleware")
        try:
            await self.app(scope, receive, send)
        except shop.Broken:
            if path == "/page":
                event_id = asyncsentry.capture_exception()
                await PlainTextResponse(event_id, 500)(scope, receive, send)
            elif path == "/excused":
                await Response(status_code=404)(scope, receive, send)
            else:
                raise


app = FastAPI(lifespan=lifespan, default_response_class=PlainTextResponse)
app.add_middleware(Own)
items = APIRouter(prefix="/item")


@app.get("/fine")
async def fine() -> str:
    return "fine"


@app.get("/fail")
async def fail() -> None:
    shop.fail("fail")


@app.get("/chained")
async def chained() -> None:
    shop.fail_in_a_chain()


@app.get("/handled")
async def handled() -> str:
    shop.handle()
    return ""


@app.get("/refused")
async def refused() -> None:
    raise HTTPException(403)


@app.get("/unavailable")
async def unavailable() -> None:
    raise HTTPException(503)


@app.get("/page")
@app.get("/excused")
async def answered_by_the_middleware(request: Request) -> None:
    raise shop.Broken(request.url.path[1:])


@app.get("/stream")
async def stream() -> Response:
    async def answer() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.sleep(0.01)
        raise shop.Broken("stream")

    return StreamingResponse(answer())


@app.get("/endless")
async def endless() -> Response:
    return Endless()


@app.get("/background")
async def background(tasks: BackgroundTasks) -> str:
    tasks.add_task(shop.fail_later, "background")
    return ""


@app.post("/echo")
async def echo(request: Request) -> Response:
    body = await request.body()
    if "fail" in request.query_params:
        shop.fail("echo")
    return Response(body)


@app.post("/unread")
async def unread() -> None:
    shop.fail("unread")


@app.post("/late")
async def late(request: Request) -> Response:
    asyncsentry.capture_message("late")
    return Response(await request.body())


@items.get("/{number}")
async def item(number: int) -> None:
    shop.fail("item")


def somebody(number: str) -> Iterator[str]:
    """A dependency that is served by a thread."""
    shop.serve_user(number)
    yield number


@app.get("/user/{number}")
async def user(number: Annotated[str, Depends(somebody)], of: int = 1) -> None:
    await shop.meet(of)
    shop.fail_for_user(number)


@app.get("/plain")
async def plain() -> str:
    asyncsentry.capture_message("plain")
    return ""


@app.get("/timeout")
async def timeout() -> str:
    await shop.time_out()
    return ""


@app.get("/scopes/pool")
def in_the_pool() -> None:
    shop.note("pool")
    raise shop.Broken("outside pool")


def noting() -> Iterator[None]:
    shop.note("dependency")
    yield


@app.get("/scopes/dependency", dependencies=[Depends(noting)])
async def after_the_dependency() -> None:
    raise shop.Broken("outside dependency")


@app.get("/scopes/{where}")
async def scopes(where: str) -> None:
    await shop.INSIDE[where]()
    raise shop.Broken(f"outside {where}")


@app.websocket("/socket")
async def talk(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        word, _, rest = text.partition(" ")
        if word == "fail":
            raise shop.Broken("socket")
        if word == "tag":
            asyncsentry.set_tag("number", rest)
        await socket.send_text(text)


app.include_router(items)
setup(app, **shop.options())
asyncsentry.capture_message("early")
