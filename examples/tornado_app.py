"""A Tornado application that reports its errors: ``SENTRY_DSN=… python tornado_app.py PORT``."""

from __future__ import annotations

import asyncio
import sys

from tornado.web import Application, RequestHandler

import asyncsentry
from asyncsentry.integrations.tornado import setup


class Greet(RequestHandler):
    async def get(self, name: str) -> None:
        asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
        if name == "nobody":
            raise LookupError("there is nobody to greet")
        self.write(f"Hello, {name}!\n")


async def main() -> None:
    app = Application([(r"/(\w+)", Greet)])
    setup(app, transport="tornado", flush_on_sigterm=True)
    app.listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
