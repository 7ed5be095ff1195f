"""The shop as a Django project of asynchronous views, by Hypercorn."""

from __future__ import annotations

from integrations.programs.asgi_servers import serve_by_hypercorn
from integrations.programs.django_asgi import run

if __name__ == "__main__":
    run(serve_by_hypercorn)
