"""A Sanic application that reports its errors: ``SENTRY_DSN=… python sanic_app.py PORT``."""

from __future__ import annotations

import sys

from sanic import HTTPResponse, Request, Sanic, text

import asyncsentry
from asyncsentry.integrations.sanic import setup

app = Sanic("greeter")
setup(app)


@app.get("/<name>")
async def greet(_: Request, name: str) -> HTTPResponse:
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    return text(f"Hello, {name}!\n")


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), single_process=True, motd=False)
