"""A web server on Twisted whose crashes are reported: ``SENTRY_DSN=… python twisted_server.py tcp:8080``."""

from __future__ import annotations

import sys

from twisted.internet import endpoints, reactor
from twisted.logger import STDLibLogObserver, globalLogPublisher
from twisted.web import resource, server

import asyncsentry


class Greeting(resource.Resource):
    isLeaf = True

    def render_GET(self, request):
        name = request.args[b"name"][0]
        return b"Hello " + name + b"!\n"


asyncsentry.init(transport="twisted")
# What Twisted logs, failures in the code that it calls among it, goes on to `logging`: there errors are reported.
globalLogPublisher.addObserver(STDLibLogObserver())
listening = endpoints.serverFromString(reactor, sys.argv[1]).listen(server.Site(Greeting()))
listening.addCallback(lambda port: print(port.getHost(), flush=True))
reactor.run()
