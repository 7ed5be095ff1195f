"""The shop as a plain ASGI application, served by uvicorn."""

from __future__ import annotations

from integrations.programs.asgi import app
from integrations.programs.asgi_servers import serve_by_uvicorn

if __name__ == "__main__":
    serve_by_uvicorn(app)
