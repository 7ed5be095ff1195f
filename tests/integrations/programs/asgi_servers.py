"""Servers for the shops that are ASGI applications."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from integrations.programs import shop


def serve_by_uvicorn(app: Any) -> None:
    """Serve until the program is told to end."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            shop.announce(door.getsockname()[1])

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # it is raised again when all is done
    with shop.listen() as door:
        Server(uvicorn.Config(app, log_config=None, proxy_headers=False)).run(sockets=[door])


def serve_by_hypercorn(app: Any) -> None:
    """Serve until the program is told to end."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    async def main() -> None:
        ending = asyncio.Event()
        for signum in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signum, ending.set)

        async def trigger() -> None:
            shop.announce(port)
            await ending.wait()

        await serve(app, config, shutdown_trigger=trigger)

    door, config = shop.listen(), Config()
    port = door.getsockname()[1]
    config.bind = [f"fd://{door.detach()}"]
    asyncio.run(main())
