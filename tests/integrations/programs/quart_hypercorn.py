"""The shop on Quart, served by Hypercorn."""

from __future__ import annotations

from integrations.programs.asgi_servers import serve_by_hypercorn
from integrations.programs.quart import app

if __name__ == "__main__":
    serve_by_hypercorn(app)
