"""An aiohttp server that reports its errors: ``SENTRY_DSN=… python aiohttp_server.py PORT``."""

from __future__ import annotations

import sys

from aiohttp import web

import asyncsentry

routes = web.RouteTableDef()


@routes.get("/{name}")
async def greet(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name == "nobody":
        raise LookupError("there is nobody to greet")  # aiohttp logs it, and what is logged is reported
    return web.Response(text=f"Hello, {name}!\n")


asyncsentry.init(transport="aiohttp")
application = web.Application()
application.add_routes(routes)
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=lambda _: print("ready", flush=True))
