"""The shop as a Django project of asynchronous views, by uvicorn."""

from __future__ import annotations

from integrations.programs.asgi_servers import serve_by_uvicorn
from integrations.programs.django_asgi import run

if __name__ == "__main__":
    run(serve_by_uvicorn)
