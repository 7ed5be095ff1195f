"""A web server on gevent that reports its errors: ``SENTRY_DSN=… python gevent_app.py PORT``."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys

from gevent.pywsgi import WSGIServer

import asyncsentry
from asyncsentry.integrations.gevent import setup


def greet(environ, start_response):
    name = environ["PATH_INFO"].strip("/")
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"Hello, {name}!\n".encode()]


server = WSGIServer(("127.0.0.1", int(sys.argv[1])), greet)
setup(server=server, transport="gevent", flush_on_sigterm=True)
server.serve_forever()
