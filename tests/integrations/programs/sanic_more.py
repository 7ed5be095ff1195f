"""The shop on Sanic, with what no other framework has. ``WORKERS``: how many processes serve."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from sanic import HTTPResponse, Request, Sanic, Websocket, text
from sanic.exceptions import SanicException, WebsocketClosed
from sanic.handlers import ErrorHandler

import asyncsentry
from integrations.programs import shop
from integrations.programs.sanic import app, once_it_serves, serve


class Answering(ErrorHandler):
    """The application's own, which answers one kind of error."""

    def default(self, request: Request, exception: Exception) -> HTTPResponse:
        if isinstance(exception, TimeoutError):
            return text("later", 503)
        return super().default(request, exception)


@app.get("/slow")
async def slow(_: Request) -> HTTPResponse:
    await asyncio.sleep(shop.PATIENCE)
    return text("")


@app.get("/late-answer")
async def late_answer(request: Request) -> None:
    response = await request.respond()
    assert response is not None
    await response.send(b"begun")
    raise SanicException("after the start", status_code=403)


@app.websocket("/sockets/<what>")  # type: ignore[untyped-decorator]  # of Sanic's
async def refuse(_: Request, __: Websocket, what: str) -> None:
    raise {"closed": WebsocketClosed(), "refused": SanicException("no", status_code=403)}.get(what, KeyError(what))


@app.signal("http.handler.after")
async def object_to(request: Request, **_: Any) -> None:
    if request.path == "/fine" and "object" in request.query_string:
        raise SanicException("objection", status_code=409)


@app.get("/tasks")
async def tasks(request: Request) -> HTTPResponse:
    async def leave() -> None:
        raise asyncio.CancelledError

    app.add_task(leave())
    return text("")


@app.get("/stop")
async def stop(request: Request) -> HTTPResponse:
    request.app.m.terminate()
    return text("")


@app.after_server_start
async def open_one_of_several(app: Sanic[Any, Any]) -> None:
    if "WORKERS" in os.environ:
        app.add_task(once_it_serves(app, asyncsentry.capture_message, "open"))


if __name__ == "__main__":
    answering = Answering()
    answering.cached_handlers = app.error_handler.cached_handlers
    app.error_handler = answering
    serve()
