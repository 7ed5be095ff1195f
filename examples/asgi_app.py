"""An ASGI application of no framework that reports its errors: ``SENTRY_DSN=… python asgi_app.py PORT``."""

from __future__ import annotations

import sys

import uvicorn

import asyncsentry
from asyncsentry.integrations.asgi import SentryMiddleware


async def greet(scope, receive, send):
    assert scope["type"] == "http"  # it has no lifespan
    name = scope["path"][1:]
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": f"Hello, {name}!\n".encode()})


# Without a lifespan nothing tells of the server's end, and uvicorn dies of the signal that ends it.
asyncsentry.init(flush_on_sigterm=True)
uvicorn.run(SentryMiddleware(greet), port=int(sys.argv[1]))
