"""A web server on gevent whose crashes are reported: ``SENTRY_DSN=… python gevent_wsgi.py 8080``."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys
from urllib.parse import parse_qs

from gevent.pywsgi import WSGIServer

import asyncsentry


@asyncsentry.capture_exceptions
def greet(environ, start_response):
    name = parse_qs(environ["QUERY_STRING"])["name"][0]
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"Hello {name}!\n".encode()]


asyncsentry.init(transport="gevent")
server = WSGIServer(("127.0.0.1", int(sys.argv[1])), greet)
server.start()
print(server.address, flush=True)
server.serve_forever()
