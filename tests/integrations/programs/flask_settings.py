"""Applications of Flask's with all settings on which it depends who sees an error, in one server.

The options say which: ``{"server": "werkzeug" | "debugger" | "gunicorn" | "gthread"}``.
"""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass, fields
from itertools import product
from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication
from werkzeug.debug import DebuggedApplication
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

import asyncsentry
from asyncsentry.client import Client
from asyncsentry.integrations.flask import Sentry
from integrations.programs import shop
from integrations.programs.wsgi_gunicorn import Gunicorn, be_alone


@dataclass(frozen=True)
class Setting:
    """How an application is set up."""

    debug: str
    """off, on, or later: once it is set up."""
    testing: bool
    propagate: bool | None
    wrap_wsgi: bool | None
    register_signal: bool

    def __str__(self) -> str:
        return "-".join(str(getattr(self, field.name)) for field in fields(self))

    @property
    def propagates(self) -> bool:
        """Whether Flask raises what it has announced, as it says itself."""
        return (self.testing or self.debug != "off") if self.propagate is None else self.propagate

    @property
    def is_watched(self) -> bool:
        """Whether one of those who report sees what a view raises: Flask's signal, or who is around the application."""
        return self.register_signal or (self.propagates and self.wrap_wsgi is not False)


SETTINGS: Final = tuple(
    Setting(*each)
    for each in product(("off", "on", "later"), (True, False), (None, True, False), (None, True, False), (True, False))
)


def make_app(setting: Setting, client: Client[Any] | None = None) -> Flask:
    """An application that fails, and whose requests know nothing of each other."""
    app = Flask("shop")
    app.debug = setting.debug == "on"
    app.testing = setting.testing
    Sentry(app, client=client, wrap_wsgi=setting.wrap_wsgi, register_signal=setting.register_signal)
    app.debug = setting.debug != "off"
    app.config["PROPAGATE_EXCEPTIONS"] = setting.propagate

    @app.get("/fail/<number>")
    def fail(number: str) -> str:
        scope = (client or asyncsentry.get_client()).get_isolation_scope()
        if scope.tags:
            raise LookupError(f"{scope.tags} are left behind")
        scope.set_tag("number", number)
        raise shop.Broken(f"{setting} {number}")

    @app.get("/plain")
    def plain() -> str:
        (client or asyncsentry.get_client()).capture_message("plain")
        return ""

    return app


class Settings(Gunicorn):
    """gunicorn, with all of them."""

    def load(self) -> Any:
        return self.serve

    serve: DispatcherMiddleware


def run() -> None:
    """Serve until the program is told to end."""
    options: Any = shop.options()
    server = options.pop("server")
    asyncsentry.init(**options)
    application = DispatcherMiddleware(make_app(SETTINGS[0]), {f"/{each}": make_app(each) for each in SETTINGS})
    asyncsentry.capture_message("early")
    if server in ("gunicorn", "gthread"):
        settings = Settings(be_alone, threads=4 if server == "gthread" else 1)
        settings.serve = application
        BaseApplication.run(settings)
        return
    served: Any = DebuggedApplication(application) if server == "debugger" else application
    with make_server("127.0.0.1", 0, served, threaded=True) as serving:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=serving.shutdown).start())
        shop.announce(serving.server_port)
        serving.serve_forever()


if __name__ == "__main__":
    run()
