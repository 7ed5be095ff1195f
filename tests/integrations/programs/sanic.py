"""The shop on Sanic, on its own server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from sanic import Blueprint, HTTPResponse, Request, Sanic, Websocket, raw, text
from sanic.exceptions import Forbidden, ServiceUnavailable

import asyncsentry
from asyncsentry.integrations.sanic import setup
from integrations.programs import shop

app = Sanic("shop")
answered = Blueprint("answered")


@app.get("/fine")
async def fine(_: Request) -> HTTPResponse:
    return text("fine")


@app.get("/fail")
async def fail(_: Request) -> HTTPResponse:
    shop.fail("fail")
    return text("")


@app.get("/chained")
async def chained(_: Request) -> HTTPResponse:
    shop.fail_in_a_chain()
    return text("")


@app.get("/handled")
async def handled(_: Request) -> HTTPResponse:
    shop.handle()
    return text("")


@app.get("/refused")
async def refused(_: Request) -> HTTPResponse:
    raise Forbidden


@app.get("/unavailable")
async def unavailable(_: Request) -> HTTPResponse:
    raise ServiceUnavailable


@answered.get("/page", name="page")
@answered.get("/excused", name="excused")
async def answered_by_the_exception_handler(request: Request) -> HTTPResponse:
    raise shop.Broken(request.path[1:])


@answered.exception(shop.Broken)  # type: ignore[untyped-decorator]  # of Sanic's
async def answer(request: Request, error: shop.Broken) -> HTTPResponse:
    if request.path == "/excused":
        return text("", 404)
    asyncsentry.capture_exception(error)  # for its id; the integration would report it later
    return text(asyncsentry.last_event_id() or "", 500)


@app.on_request
async def own(request: Request) -> None:
    if request.path == "/middleware":
        raise shop.Broken("middleware")


@app.get("/middleware")
async def behind(_: Request) -> HTTPResponse:
    return text("")


@app.get("/stream")
async def stream(request: Request) -> None:
    response = await request.respond()
    assert response is not None
    await response.send(b"begun")
    raise shop.Broken("stream")


@app.get("/endless")
async def endless(request: Request) -> None:
    response = await request.respond()
    assert response is not None
    try:
        while True:
            await response.send(b"more")
            await asyncio.sleep(0.001)
    finally:
        asyncsentry.capture_message("gone")


@app.get("/background")
async def background(_: Request) -> HTTPResponse:
    app.add_task(shop.fail_later("background"))
    return text("")


@app.post("/echo")
async def echo(request: Request) -> HTTPResponse:
    if "fail" in request.query_string:
        shop.fail("echo")
    return raw(request.body)


@app.post("/unread")
async def unread(_: Request) -> HTTPResponse:
    shop.fail("unread")
    return text("")


@app.post("/late")
async def late(request: Request) -> HTTPResponse:
    asyncsentry.capture_message("late")
    return raw(request.body)


@app.get("/item/<number>")
async def item(_: Request, number: str) -> HTTPResponse:
    shop.fail("item")
    return text(number)


@app.get("/user/<number>")
async def user(request: Request, number: str) -> HTTPResponse:
    shop.serve_user(number)
    await shop.meet(int(request.args.get("of", 1)))
    shop.fail_for_user(number)
    return text("")


@app.get("/plain")
async def plain(_: Request) -> HTTPResponse:
    asyncsentry.capture_message("plain")
    return text("")


@app.get("/timeout")
async def timeout(_: Request) -> HTTPResponse:
    await shop.time_out()
    return text("")


@app.get("/scopes/<where>")
async def scopes(_: Request, where: str) -> HTTPResponse:
    await shop.INSIDE[where]()
    raise shop.Broken(f"outside {where}")


@app.websocket("/socket")  # type: ignore[untyped-decorator]  # of Sanic's
async def talk(request: Request, socket: Websocket) -> None:
    async for said in socket:
        word, _, rest = str(said).partition(" ")
        if word == "fail":
            raise shop.Broken("socket")
        if word == "tag":
            asyncsentry.set_tag("number", rest)
        await socket.send(str(said))


@app.before_server_start
async def start(_: Sanic[Any, Any]) -> None:
    shop.fail_at("startup")


@app.after_server_start
async def announce(app: Sanic[Any, Any]) -> None:
    if "OPEN_AT" in os.environ:  # else a server of ASGI says it
        app.add_task(once_it_serves(app, shop.announce, int(os.environ["OPEN_AT"])))


async def once_it_serves(app: Sanic[Any, Any], what: Callable[..., object], *given: object) -> None:
    while not app.state.is_running:  # a signal that comes before that is overheard
        await asyncio.sleep(0)
    what(*given)


@app.after_server_stop
async def end(_: Sanic[Any, Any]) -> None:
    shop.fail_at("shutdown")
    asyncsentry.capture_message("goodbye")


app.blueprint(answered)
setup(app, **shop.options())
asyncsentry.capture_message("early")


def serve() -> None:
    """Serve until the program is told to end: in this process, or in as many as ``WORKERS`` says."""
    door = shop.listen()
    os.environ["OPEN_AT"] = str(door.getsockname()[1])
    workers = int(os.environ.get("WORKERS", "0"))
    if workers:
        os.setsid()  # where a worker does not start, Sanic kills all of its group
    app.run(sock=door, single_process=workers == 0, workers=workers or 1, access_log=False, motd=False)


if __name__ == "__main__":
    serve()
