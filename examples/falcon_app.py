"""A Falcon application that reports its errors: ``SENTRY_DSN=… python falcon_app.py PORT``."""

from __future__ import annotations

import sys

import uvicorn
from falcon.asgi import App, Request, Response

import asyncsentry
from asyncsentry.integrations.falcon import setup


class Greeting:
    async def on_get(self, _req: Request, resp: Response, name: str) -> None:
        asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
        if name == "nobody":
            raise LookupError("there is nobody to greet")
        resp.text = f"Hello, {name}!\n"


app = App()
setup(app)  # an application for WSGI, falcon.App(), is set up in the same way
app.add_route("/{name}", Greeting())

uvicorn.run(app, port=int(sys.argv[1]))
