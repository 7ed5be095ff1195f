"""The shop on Flask, in a worker of gunicorn with threads."""

from __future__ import annotations

from integrations.programs.flask_gunicorn import FlaskGunicorn
from integrations.programs.wsgi_shop import meet_in_threads

if __name__ == "__main__":
    FlaskGunicorn(meet_in_threads(), threads=64).run()
