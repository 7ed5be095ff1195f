"""An application on Klein that reports its errors: ``SENTRY_DSN=… python klein_app.py PORT``."""

from __future__ import annotations

import sys

from klein import Klein
from twisted.internet import reactor
from twisted.web.server import Site

import asyncsentry
from asyncsentry.integrations.twisted_web import setup

app = Klein()


@app.route("/<name>")
async def greet(request, name):
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    return f"Hello, {name}!\n"


setup(site := Site(app.resource()), transport="twisted")
reactor.listenTCP(int(sys.argv[1]), site, interface="127.0.0.1")
reactor.run()
