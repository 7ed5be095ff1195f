"""A Starlette application that reports its errors: ``SENTRY_DSN=… python starlette_app.py PORT``."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import asyncsentry
from asyncsentry.integrations.starlette import setup


async def greet(request: Request) -> Response:
    name = request.path_params["name"]
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    return PlainTextResponse(f"Hello, {name}!\n")


app = Starlette(routes=[Route("/{name}", greet)])
setup(app)
uvicorn.run(app, port=int(sys.argv[1]))
