"""The shop as an ASGI application of no framework."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import asyncsentry
from asyncsentry.integrations.asgi import SentryMiddleware
from integrations.programs import shop

# Any: ASGI's messages are mappings of anything.
Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Endpoint = Callable[[Scope, Receive, Send], Awaitable[None]]

tasks: set[asyncio.Task[None]] = set()


class Status(Exception):
    """What ends a request with a status."""


async def answer(send: Send, body: bytes = b"", status: int = 200) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def read(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            return body


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, b"fine")


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    shop.fail(scope["path"][1:])


async def chained(scope: Scope, receive: Receive, send: Send) -> None:
    shop.fail_in_a_chain()


async def handled(scope: Scope, receive: Receive, send: Send) -> None:
    shop.handle()
    await answer(send)


async def refused(scope: Scope, receive: Receive, send: Send) -> None:
    raise Status(403)


async def unavailable(scope: Scope, receive: Receive, send: Send) -> None:
    raise Status(503)


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun", "more_body": True})
    await asyncio.sleep(0.01)
    raise shop.Broken("stream")


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    gone = asyncio.create_task(wait_until_gone(receive))
    while not gone.done():
        await send({"type": "http.response.body", "body": b"more", "more_body": True})
        await asyncio.sleep(0.001)
    asyncsentry.capture_message("gone")


async def wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def background(scope: Scope, receive: Receive, send: Send) -> None:
    task = asyncio.create_task(shop.fail_later("background"))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    await answer(send)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await read(receive)
    if scope["query_string"] == b"fail":
        shop.fail("echo")
    await answer(send, body)


async def late(scope: Scope, receive: Receive, send: Send) -> None:
    asyncsentry.capture_message("late")
    await answer(send, await read(receive))


async def user(scope: Scope, receive: Receive, send: Send) -> None:
    number = scope["path"].rpartition("/")[2]
    shop.serve_user(number)
    query = parse_qs(scope["query_string"].decode())
    await shop.meet(int(query.get("of", ["1"])[0]))
    shop.fail_for_user(number)


async def plain(scope: Scope, receive: Receive, send: Send) -> None:
    asyncsentry.capture_message("plain")
    await answer(send)


async def timeout(scope: Scope, receive: Receive, send: Send) -> None:
    await shop.time_out()
    await answer(send)


async def scopes(scope: Scope, receive: Receive, send: Send) -> None:
    where = scope["path"].rpartition("/")[2]
    await shop.INSIDE[where]()
    raise shop.Broken(f"outside {where}")


async def talk(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        word, _, rest = message["text"].partition(" ")
        if word == "fail":
            raise shop.Broken("socket")
        if word == "tag":
            asyncsentry.set_tag("number", rest)
        await send({"type": "websocket.send", "text": message["text"]})


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    for stage in ("startup", "shutdown"):
        await receive()
        try:
            shop.fail_at(stage)
        except shop.Broken:
            await send({"type": f"lifespan.{stage}.failed"})
            raise
        if stage == "shutdown":
            asyncsentry.capture_message("goodbye")
        await send({"type": f"lifespan.{stage}.complete"})


ENDPOINTS: Mapping[str, Endpoint] = {
    "fine": fine,
    "fail": fail,
    "chained": chained,
    "handled": handled,
    "refused": refused,
    "unavailable": unavailable,
    "page": fail,
    "excused": fail,
    "stream": stream,
    "endless": endless,
    "background": background,
    "echo": echo,
    "unread": fail,
    "late": late,
    "user": user,
    "plain": plain,
    "timeout": timeout,
    "scopes": scopes,
    "socket": talk,
}


async def route(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await live(scope, receive, send)
        return
    endpoint = ENDPOINTS.get(scope["path"].split("/")[1])
    try:
        if endpoint is None:
            raise Status(404)
        await endpoint(scope, receive, send)
    except Status as error:
        await answer(send, status=error.args[0])


async def own(scope: Scope, receive: Receive, send: Send) -> None:
    """The application's own middleware."""
    path = scope.get("path")
    if path == "/middleware":
        raise shop.Broken("middleware")
    try:
        await route(scope, receive, send)
    except shop.Broken as error:
        if path == "/page":
            event_id = asyncsentry.capture_exception(error)
            await answer(send, str(event_id).encode(), 500)
        elif path == "/excused":
            await answer(send, status=404)
        else:
            raise


app = SentryMiddleware(own, **shop.options())
asyncsentry.capture_message("early")
