"""What watching costs a request in which nothing goes wrong: ``python benchmarks/serving.py [ROUNDS]``.

Applications that say hello are called in process, with and without their integration by turns, so often that the
quietest moments of the machine are among it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from asyncsentry.client import Client
from asyncsentry.integrations import fastapi, starlette
from asyncsentry.integrations.asgi import SentryMiddleware

BATCH = 40
"""Requests that are timed together: few, so that some batches are not disturbed."""
ROUNDS = int(sys.argv[1]) if sys.argv[1:] else 1500
QUIETEST = 50
"""Of so many batches one is quieter than the time that is told."""

Message = MutableMapping[str, Any]
Application = Callable[..., Any]


async def plain(_scope: Message, _receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def hello_as_json() -> str:
    return "hello"


def on_starlette() -> Starlette:
    return Starlette(routes=[Route("/", hello)])


def on_fastapi() -> FastAPI:
    app = FastAPI()
    app.get("/")(hello_as_json)
    return app


def applications(client: Client[Any]) -> dict[str, tuple[Application, Application]]:
    """Each of them unwatched, and watched."""
    watched, watched_too = on_starlette(), on_fastapi()
    starlette.setup(watched, client=client)
    fastapi.setup(watched_too, client=client)
    return {
        "asgi": (plain, SentryMiddleware(plain, client=client)),
        "starlette": (on_starlette(), watched),
        "fastapi": (on_fastapi(), watched_too),
    }


def request() -> Message:
    headers = [(b"host", b"localhost"), (b"user-agent", b"benchmark")]
    told = {"method": "GET", "path": "/", "query_string": b"", "root_path": "", "headers": headers}
    return {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", **told}


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Message) -> None:
    pass


async def time_batch(app: Application) -> float:
    """Microseconds of a request."""
    requests = [request() for _ in range(BATCH)]
    began = time.perf_counter()
    for each in requests:
        await app(each, receive, send)
    return (time.perf_counter() - began) / BATCH * 1e6


async def main() -> None:
    client: Client[Any] = Client("threaded+http://key@127.0.0.1:9/1")
    print("µs of a request: unwatched, watched, and the difference")
    for name, pair in applications(client).items():
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            for app, told in zip(pair, times, strict=True):
                told.append(await time_batch(app))
        without, watched = (sorted(told)[ROUNDS // QUIETEST] for told in times)
        print(f"{name:10} {without:7.2f} {watched:7.2f} {watched - without:7.2f}")


if __name__ == "__main__":
    print(sys.version.split()[0])
    asyncio.run(main())
