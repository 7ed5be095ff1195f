"""A Tornado server that reports its errors: ``SENTRY_DSN=… python tornado_server.py PORT``."""

from __future__ import annotations

import sys

from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler

import asyncsentry


class Greeting(RequestHandler):
    def get(self, name: str) -> None:
        if name == "nobody":
            raise LookupError("there is nobody to greet")  # Tornado logs it, and what is logged is reported
        asyncsentry.capture_message(f"greeted {name}")
        self.write(f"Hello, {name}!\n")


asyncsentry.init(transport="tornado")
# Without its own log of requests, which would name, and so report, a failed one once more.
application = Application([(r"/(\w+)", Greeting)], log_function=lambda _: None)
application.listen(int(sys.argv[1]), "127.0.0.1")
try:
    IOLoop.current().start()
except KeyboardInterrupt:
    asyncsentry.capture_message("stopped")
