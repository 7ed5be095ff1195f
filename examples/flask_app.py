"""A Flask application that reports its errors: ``SENTRY_DSN=… python flask_app.py PORT``."""

from __future__ import annotations

import sys

from flask import Flask

import asyncsentry
from asyncsentry.integrations.flask import Sentry

app = Flask(__name__)
Sentry(app, flush_on_sigterm=True)


@app.get("/<name>")
def greet(name: str) -> str:
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    return f"Hello, {name}!\n"


app.run(port=int(sys.argv[1]))
