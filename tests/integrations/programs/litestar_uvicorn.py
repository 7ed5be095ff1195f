"""The shop on Litestar, served by uvicorn."""

from __future__ import annotations

from integrations.programs.asgi_servers import serve_by_uvicorn
from integrations.programs.litestar import app

if __name__ == "__main__":
    serve_by_uvicorn(app)
