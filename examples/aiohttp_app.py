"""An aiohttp application that reports its errors: ``SENTRY_DSN=… python aiohttp_app.py PORT``."""

from __future__ import annotations

import sys

from aiohttp import web

import asyncsentry
from asyncsentry.integrations.aiohttp import setup

routes = web.RouteTableDef()


@routes.get("/{name}")
async def greet(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    return web.Response(text=f"Hello, {name}!\n")


app = web.Application()
app.add_routes(routes)
setup(app, transport="aiohttp")
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]))
