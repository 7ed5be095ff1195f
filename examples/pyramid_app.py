"""A Pyramid application that reports its errors: ``SENTRY_DSN=… python pyramid_app.py PORT``."""

from __future__ import annotations

import sys

import waitress
from pyramid.config import Configurator
from pyramid.response import Response

import asyncsentry


def greet(request):
    name = request.matchdict["name"]
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    return Response(f"Hello, {name}!\n")


with Configurator(settings={"sentry.flush_on_sigterm": "true"}) as config:
    config.include("asyncsentry.integrations.pyramid")
    config.add_route("greet", "/{name}")
    config.add_view(greet, route_name="greet")
    app = config.make_wsgi_app()

waitress.serve(app, host="127.0.0.1", port=int(sys.argv[1]))
