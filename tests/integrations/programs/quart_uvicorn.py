"""The shop on Quart, on uvicorn."""

from __future__ import annotations

from integrations.programs import asgi_servers
from integrations.programs.quart import app

if __name__ == "__main__":
    asgi_servers.uvicorn(app)
