"""The same as ``web_aiohttp``, on Flask, one request at a time: ``python -m programs.web_flask SDK URL``.

An SDK that does not look after Flask by itself is told of errors by Flask's own signal.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from importlib import import_module
from typing import Any

from programs.watching import watched_by_itself
from sdks import NONE, load
from workloads import OrderError, take_order

flask: Any = import_module("flask")
serving: Any = import_module("werkzeug.serving")


def make_app(name: str, url: str) -> Any:
    sdk = load(name)
    sdk.init(url, "on", OrderError)
    app = flask.Flask("bench")

    def hello() -> str:
        return "hello"

    def fail() -> str:
        take_order()
        raise AssertionError("nothing was raised")

    def spent() -> str:
        asyncio.run(sdk.drain())
        return str(time.process_time_ns())

    for view in (hello, fail, spent):
        app.add_url_rule(f"/{view.__name__}", view_func=view)
    if name != NONE and not watched_by_itself(name, "flask", app):
        flask.got_request_exception.connect(lambda _, exception: sdk.capture(exception), app, weak=False)
    return app


if __name__ == "__main__":
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each request
    server = serving.make_server("127.0.0.1", 0, make_app(*sys.argv[1:]))
    print(server.server_port, flush=True)
    server.serve_forever()
