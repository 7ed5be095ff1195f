"""The shop as any WSGI application, in a worker of gunicorn with threads."""

from __future__ import annotations

from integrations.programs.wsgi_gunicorn import run
from integrations.programs.wsgi_shop import meet_in_threads

if __name__ == "__main__":
    run(meet_in_threads(), threads=64)
