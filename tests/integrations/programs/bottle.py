"""The shop on Bottle, and on the server that Bottle runs on if nothing else is said: one request at a time."""

from __future__ import annotations

import signal
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import asyncsentry
from integrations.programs import shop
from integrations.programs.bottle_shop import make_application


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


def be_alone(_size: int) -> None:
    """Nobody else is served meanwhile, so nobody is to be waited for."""


if __name__ == "__main__":
    with make_server("127.0.0.1", 0, make_application(be_alone), handler_class=Quiet) as server:
        server.base_environ["SERVER_NAME"] = "127.0.0.1"  # and not what the name service says
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        shop.announce(server.server_port)
        server.serve_forever()
    asyncsentry.capture_message("goodbye")
