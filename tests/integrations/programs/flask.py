"""The shop on Flask, on Werkzeug's own server."""

from __future__ import annotations

import signal
import threading

from werkzeug.serving import make_server

import asyncsentry
from integrations.programs import flask_shop, shop, wsgi_shop


def run() -> None:
    """Serve until the program is told to end."""
    server = make_server("127.0.0.1", 0, flask_shop.make_app(wsgi_shop.meet_in_threads()), threaded=True)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    shop.announce(server.server_port)
    with server:
        server.serve_forever()
    asyncsentry.capture_message("goodbye")


if __name__ == "__main__":
    run()
