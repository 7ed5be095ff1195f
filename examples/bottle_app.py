"""A Bottle application that reports its errors: ``SENTRY_DSN=… python bottle_app.py PORT``."""

from __future__ import annotations

import sys

from bottle import Bottle

import asyncsentry
from asyncsentry.integrations.bottle import setup

app = Bottle()
setup(app, flush_on_sigterm=True)


@app.get("/<name>")
def greet(name):
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    return f"Hello, {name}!\n"


app.run(host="127.0.0.1", port=int(sys.argv[1]))
