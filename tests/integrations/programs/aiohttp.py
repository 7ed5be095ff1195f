"""The shop on aiohttp's own server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

import asyncsentry
from asyncsentry.integrations.aiohttp import setup
from integrations.programs import shop

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

routes = web.RouteTableDef()
tasks: set[asyncio.Task[None]] = set()


@routes.get("/fine")
async def fine(_: web.Request) -> web.Response:
    return web.Response(text="fine")


@routes.get("/fail")
async def fail(_: web.Request) -> web.Response:
    shop.fail("fail")
    return web.Response()


@routes.get("/chained")
async def chained(_: web.Request) -> web.Response:
    shop.fail_in_a_chain()
    return web.Response()


@routes.get("/handled")
async def handled(_: web.Request) -> web.Response:
    shop.handle()
    return web.Response()


@routes.get("/refused")
async def refused(_: web.Request) -> web.Response:
    raise web.HTTPForbidden


@routes.get("/unavailable")
async def unavailable(_: web.Request) -> web.Response:
    raise web.HTTPServiceUnavailable


@routes.get("/page")
@routes.get("/excused")
async def answered_by_the_middleware(request: web.Request) -> web.Response:
    raise shop.Broken(request.path[1:])


@routes.get("/stream")
async def stream(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"begun")
    raise shop.Broken("stream")


@routes.get("/endless")
async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    try:
        while True:
            await answer.write(b"more")
            await asyncio.sleep(0.001)
    finally:
        asyncsentry.capture_message("gone")


@routes.get("/background")
async def background(_: web.Request) -> web.Response:
    task = asyncio.create_task(shop.fail_later("background"))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return web.Response()


@routes.post("/echo")
async def echo(request: web.Request) -> web.Response:
    body = await request.read()
    if "fail" in request.query:
        shop.fail("echo")
    return web.Response(body=body)


@routes.post("/unread")
async def unread(_: web.Request) -> web.Response:
    shop.fail("unread")
    return web.Response()


@routes.post("/late")
async def late(request: web.Request) -> web.Response:
    asyncsentry.capture_message("late")
    return web.Response(body=await request.read())


@routes.get("/item/{number}")
async def item(_: web.Request) -> web.Response:
    shop.fail("item")
    return web.Response()


@routes.get("/user/{number}")
async def user(request: web.Request) -> web.Response:
    number = request.match_info["number"]
    shop.serve_user(number)
    await shop.meet(int(request.query.get("of", 1)))
    shop.fail_for_user(number)
    return web.Response()


@routes.get("/plain")
async def plain(_: web.Request) -> web.Response:
    asyncsentry.capture_message("plain")
    return web.Response()


@routes.get("/timeout")
async def timeout(_: web.Request) -> web.Response:
    await shop.time_out()
    return web.Response()


@routes.get("/scopes/{where}")
async def scopes(request: web.Request) -> web.Response:
    where = request.match_info["where"]
    await shop.INSIDE[where]()
    raise shop.Broken(f"outside {where}")


@routes.get("/socket")
async def talk(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            word, _, rest = message.data.partition(" ")
            if word == "fail":
                raise shop.Broken("socket")
            if word == "tag":
                asyncsentry.set_tag("number", rest)
            await socket.send_str(message.data)
    return socket


@web.middleware
async def own(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path == "/middleware":
        raise shop.Broken("middleware")
    try:
        return await handler(request)
    except shop.Broken as error:
        if request.path == "/page":
            asyncsentry.capture_exception(error)  # for its id; the integration would report it later
            return web.Response(status=500, text=asyncsentry.last_event_id())
        if request.path == "/excused":
            return web.Response(status=404)
        raise


async def start(_: web.Application) -> None:
    shop.fail_at("startup")


async def end(_: web.Application) -> None:
    shop.fail_at("shutdown")
    asyncsentry.capture_message("goodbye")


app = web.Application(middlewares=[own])
app.add_routes(routes)
app.on_startup.append(start)
app.on_cleanup.append(end)
setup(app, **shop.options())
asyncsentry.capture_message("early")

if __name__ == "__main__":
    door = shop.listen()
    web.run_app(app, sock=door, print=lambda _: shop.announce(door.getsockname()[1]))
