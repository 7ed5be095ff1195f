"""A site of twisted.web that reports its errors: ``SENTRY_DSN=… python twisted_web_app.py PORT``."""

from __future__ import annotations

import sys

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site

import asyncsentry
from asyncsentry.integrations.twisted_web import setup


class Greet(Resource):
    isLeaf = True

    def render_GET(self, request):
        name = request.postpath[0].decode()
        asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
        if name == "nobody":
            raise LookupError("there is nobody to greet")
        return f"Hello, {name}!\n".encode()


setup(site := Site(Greet()), transport="twisted")
reactor.listenTCP(int(sys.argv[1]), site, interface="127.0.0.1")
reactor.run()
