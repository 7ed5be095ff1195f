"""The shop on Flask, in a worker of gunicorn that serves one request at a time."""

from __future__ import annotations

from typing import Any

from integrations.programs import flask_shop
from integrations.programs.wsgi_gunicorn import Gunicorn, be_alone


class FlaskGunicorn(Gunicorn):
    """gunicorn that serves this shop."""

    def load(self) -> Any:
        return flask_shop.make_app(self.meet)


if __name__ == "__main__":
    FlaskGunicorn(be_alone, threads=1).run()
