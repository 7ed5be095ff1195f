"""The shop as any WSGI application, in a worker of gunicorn that serves one request at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

import asyncsentry
from asyncsentry.integrations.wsgi import SentryMiddleware
from integrations.programs import shop, wsgi_shop


class Gunicorn(BaseApplication):
    """gunicorn, without its command line."""

    def __init__(self, meet: Callable[[int], None], threads: int) -> None:
        self.meet = meet
        self.threads = threads
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": "127.0.0.1:0",
            "threads": self.threads,
            "when_ready": lambda arbiter: shop.announce(arbiter.LISTENERS[0].sock.getsockname()[1]),
            "worker_exit": lambda _arbiter, _worker: asyncsentry.capture_message("goodbye"),
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        style = wsgi_shop.Style(self.meet, wsgi_shop.start_thread, wsgi_shop.wait_in_vain, wsgi_shop.INSIDE)
        application = SentryMiddleware(wsgi_shop.make_application(style), **shop.options())
        asyncsentry.capture_message("early")
        return application


def run(meet: Callable[[int], None], *, threads: int) -> None:
    """Serve until the program is told to end."""
    Gunicorn(meet, threads).run()


def be_alone(_size: int) -> None:
    """Nobody else is served meanwhile, so nobody is to be waited for."""


if __name__ == "__main__":
    run(be_alone, threads=1)
