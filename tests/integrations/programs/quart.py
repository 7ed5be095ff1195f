"""The shop on Quart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from quart import Blueprint, Quart, Response, abort, request, websocket

import asyncsentry
from asyncsentry.integrations.quart import setup
from integrations.programs import shop

app = Quart(__name__)
answered = Blueprint("answered", __name__)


@app.get("/fine")
async def fine() -> str:
    return "fine"


@app.get("/fail")
async def fail() -> str:
    shop.fail("fail")
    return ""


@app.get("/chained")
async def chained() -> str:
    shop.fail_in_a_chain()
    return ""


@app.get("/handled")
async def handled() -> str:
    shop.handle()
    return ""


@app.get("/refused")
async def refused() -> str:
    abort(403)


@app.get("/unavailable")
async def unavailable() -> str:
    abort(503)


@answered.get("/page")
@answered.get("/excused")
async def answered_by_the_error_handler() -> str:
    raise shop.Broken(request.path[1:])


@answered.errorhandler(shop.Broken)
async def answer(error: shop.Broken) -> tuple[str, int]:
    if request.path == "/excused":
        return "", 404
    asyncsentry.capture_exception(error)  # for its id; the integration would report it later
    return asyncsentry.last_event_id() or "", 500


@app.before_request
async def own() -> None:
    if request.path == "/middleware":
        raise shop.Broken("middleware")


@app.get("/middleware")
async def behind() -> str:
    return ""


async def parts_without_end() -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"more"
            await asyncio.sleep(0.001)
    finally:
        asyncsentry.capture_message("gone")


@app.get("/stream")
async def stream() -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        raise shop.Broken("stream")

    return Response(parts())


@app.get("/endless")
async def endless() -> Response:
    return Response(parts_without_end())


@app.get("/background")
async def background() -> str:
    app.add_background_task(shop.fail_later, "background")
    return ""


@app.post("/echo")
async def echo() -> str | bytes:
    body = await request.get_data()
    if "fail" in request.args:
        shop.fail("echo")
    return body


@app.post("/unread")
async def unread() -> str:
    shop.fail("unread")
    return ""


@app.post("/late")
async def late() -> str | bytes:
    asyncsentry.capture_message("late")
    return await request.get_data()


@app.get("/item/<number>")
async def item(number: str) -> str:
    shop.fail("item")
    return number


@app.get("/user/<number>")
async def user(number: str) -> str:
    shop.serve_user(number)
    await shop.meet(int(request.args.get("of", 1)))
    shop.fail_for_user(number)
    return ""


@app.get("/plain")
async def plain() -> str:
    asyncsentry.capture_message("plain")
    return ""


@app.get("/timeout")
async def timeout() -> str:
    await shop.time_out()
    return ""


@app.get("/scopes/<where>")
async def scopes(where: str) -> str:
    await shop.INSIDE[where]()
    raise shop.Broken(f"outside {where}")


@app.websocket("/socket")
async def talk() -> None:
    while True:
        said = str(await websocket.receive())
        word, _, rest = said.partition(" ")
        if word == "fail":
            raise shop.Broken("socket")
        if word == "tag":
            asyncsentry.set_tag("number", rest)
        await websocket.send(said)


@app.before_serving
async def start() -> None:
    shop.fail_at("startup")


@app.after_serving
async def end() -> None:
    shop.fail_at("shutdown")
    asyncsentry.capture_message("goodbye")


app.register_blueprint(answered)
setup(app, **shop.options())
asyncsentry.capture_message("early")
