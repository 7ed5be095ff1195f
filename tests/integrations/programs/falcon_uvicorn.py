"""The shop on Falcon, for ASGI, served by uvicorn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import falcon
from falcon.asgi import App, Request, Response, WebSocket

import asyncsentry
from asyncsentry.integrations.falcon import setup
from integrations.programs import shop
from integrations.programs.asgi_servers import serve_by_uvicorn


class Get:
    """A resource that does this when it is asked."""

    def __init__(self, deed: Callable[..., object]) -> None:
        self.deed = deed

    async def on_get(self, req: Request, resp: Response) -> None:
        answer = self.deed()
        resp.text = answer if isinstance(answer, str) else ""


class Later:
    """A resource that does this when it is asked, which takes a while."""

    def __init__(self, deed: Callable[..., Awaitable[None]]) -> None:
        self.deed = deed

    async def on_get(self, req: Request, resp: Response, **params: str) -> None:
        await self.deed(req, resp, **params)


class Post:
    """A resource that takes a body."""

    def __init__(self, word: str) -> None:
        self.word = word

    async def on_post(self, req: Request, resp: Response) -> None:
        if self.word == "unread":
            shop.fail("unread")
        if self.word == "late":
            asyncsentry.capture_message("late")
        resp.data = await req.stream.read()
        if req.has_param("fail"):
            shop.fail("echo")


class Talk:
    async def on_websocket(self, req: Request, ws: WebSocket) -> None:
        await ws.accept()
        while True:
            text = await ws.receive_text()
            word, _, rest = text.partition(" ")
            if word == "fail":
                raise shop.Broken("socket")
            if word == "tag":
                asyncsentry.set_tag("number", rest)
            await ws.send_text(text)


class Own:
    """The application's own middleware."""

    async def process_startup(self, scope: Any, event: Any) -> None:
        shop.fail_at("startup")

    async def process_shutdown(self, scope: Any, event: Any) -> None:
        shop.fail_at("shutdown")
        asyncsentry.capture_message("goodbye")

    async def process_request(self, req: Request, resp: Response) -> None:
        if req.path == "/middleware":
            raise shop.Broken("middleware")


class Excused(Exception):
    """What is no error."""


Paged: type[shop.Broken] = type("Broken", (shop.Broken,), {"__doc__": "What has an error page."})


async def answer(req: Request, resp: Response, ex: Exception, params: Any) -> None:
    """The application's own error handler."""
    if isinstance(ex, Excused):
        resp.status = 404
    else:
        resp.status = 500
        resp.text = asyncsentry.capture_exception(ex)


def break_with(error: Exception) -> None:
    raise error


async def stream(req: Request, resp: Response) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"begun"
        raise shop.Broken("stream")

    resp.stream = chunks()


async def endless(req: Request, resp: Response) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"more"
                await asyncio.sleep(0.001)
        finally:
            asyncsentry.capture_message("gone")

    resp.stream = chunks()


async def start(req: Request, resp: Response) -> None:
    resp.schedule(partial(shop.fail_later, "background"))


async def serve_user(req: Request, resp: Response, number: str) -> None:
    shop.serve_user(number)
    await shop.meet(req.get_param_as_int("of", default=1))
    shop.fail_for_user(number)


async def time_out(req: Request, resp: Response) -> None:
    await shop.time_out()


async def tag_inside(req: Request, resp: Response, where: str) -> None:
    await shop.INSIDE[where]()
    raise shop.Broken(f"outside {where}")


RESOURCES: dict[str, object] = {
    "/fine": Get(lambda: "fine"),
    "/fail": Get(lambda: shop.fail("fail")),
    "/chained": Get(shop.fail_in_a_chain),
    "/handled": Get(shop.handle),
    "/refused": Get(lambda: break_with(falcon.HTTPForbidden())),
    "/unavailable": Get(lambda: break_with(falcon.HTTPServiceUnavailable())),
    "/page": Get(lambda: break_with(Paged("page"))),
    "/excused": Get(lambda: break_with(Excused())),
    "/stream": Later(stream),
    "/endless": Later(endless),
    "/background": Later(start),
    "/echo": Post("echo"),
    "/unread": Post("unread"),
    "/late": Post("late"),
    "/item/{number}": Later(lambda req, resp, number: shop.fail_later("item")),
    "/user/{number}": Later(serve_user),
    "/plain": Get(lambda: asyncsentry.capture_message("plain")),
    "/timeout": Later(time_out),
    "/scopes/{where}": Later(tag_inside),
    "/socket": Talk(),
}

app = App(middleware=[Own()])
setup(app, **shop.options())
app.add_error_handler(Paged, answer)
app.add_error_handler(Excused, answer)
for pattern, resource in RESOURCES.items():
    app.add_route(pattern, resource)
asyncsentry.capture_message("early")

if __name__ == "__main__":
    serve_by_uvicorn(app)
