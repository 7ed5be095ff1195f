"""A Quart application that reports its errors: ``SENTRY_DSN=… python quart_app.py PORT``."""

from __future__ import annotations

import sys

from quart import Quart

import asyncsentry
from asyncsentry.integrations.quart import setup

app = Quart(__name__)
setup(app)


@app.get("/<name>")
async def greet(name: str) -> str:
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    return f"Hello, {name}!\n"


app.run(port=int(sys.argv[1]), use_reloader=False)
