"""A web server on Twisted whose crashes are reported: ``SENTRY_DSN=… python twisted_server.py tcp:8080``."""

from __future__ import annotations

import sys

from twisted.internet import endpoints, reactor
from twisted.web import resource, server

from asyncsentry.integrations.twisted_web import setup


class Greeting(resource.Resource):
    isLeaf = True

    def render_GET(self, request):
        name = request.args[b"name"][0]
        return b"Hello " + name + b"!\n"


site = server.Site(Greeting())
setup(site, transport="twisted")
listening = endpoints.serverFromString(reactor, sys.argv[1]).listen(site)
listening.addCallback(lambda port: print(port.getHost(), flush=True))
reactor.run()
