"""A Tornado server that reports its errors: ``SENTRY_DSN=… python tornado_server.py PORT``."""

from __future__ import annotations

import sys

from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler

import asyncsentry
from asyncsentry.integrations.tornado import setup


class Greeting(RequestHandler):
    def get(self, name: str) -> None:
        if name == "nobody":
            raise LookupError("there is nobody to greet")
        asyncsentry.capture_message(f"greeted {name}")
        self.write(f"Hello, {name}!\n")


application = Application([(r"/(\w+)", Greeting)])
setup(application, transport="tornado")
application.listen(int(sys.argv[1]), "127.0.0.1")
try:
    IOLoop.current().start()
except KeyboardInterrupt:
    asyncsentry.capture_message("stopped")
