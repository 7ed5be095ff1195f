"""A WSGI application of no framework that reports its errors: ``SENTRY_DSN=… python wsgi_app.py PORT``."""

from __future__ import annotations

import sys
from wsgiref.simple_server import make_server

import asyncsentry
from asyncsentry.integrations.wsgi import SentryMiddleware


def greet(environ, start_response):
    name = environ["PATH_INFO"].strip("/")
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"Hello, {name}!\n".encode()]


application = SentryMiddleware(greet, flush_on_sigterm=True)

if __name__ == "__main__":
    with make_server("127.0.0.1", int(sys.argv[1]), application) as server:
        server.serve_forever()
