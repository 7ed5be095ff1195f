"""A Litestar application that reports its errors: ``SENTRY_DSN=… python litestar_app.py PORT``."""

from __future__ import annotations

import sys

import uvicorn
from litestar import Litestar, MediaType, Request, get

import asyncsentry
from asyncsentry.integrations.litestar import SentryPlugin


@get("/{name:str}", media_type=MediaType.TEXT)
async def greet(request: Request) -> str:
    name = request.path_params["name"]
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    return f"Hello, {name}!\n"


app = Litestar([greet], plugins=[SentryPlugin()])
uvicorn.run(app, port=int(sys.argv[1]))
