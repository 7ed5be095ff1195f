"""The servers on which a shop of ASGI is open, until a signal ends it."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from asyncsentry.integrations._asgi import Application, AsgiScope, Message, Receive, Send
from integrations.programs import shop


def uvicorn(app: Any) -> None:
    """As its command line runs it."""
    from uvicorn import Config, Server

    signal.signal(signal.SIGTERM, lambda *_: None)  # which uvicorn raises again, once it has ended
    with shop.listen() as door:
        served = _announced(app, door.getsockname()[1])
        server = Server(Config(served, log_config=None, proxy_headers=False))
        server.run(sockets=[door])
    if not server.started:
        raise SystemExit(3)


def hypercorn(app: Any) -> None:
    """As its own documentation has it run by a program."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    async def main(port: int) -> None:
        stop = asyncio.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
        await serve(_announced(app, port), config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]  # of its own

    door, config = shop.listen(), Config()
    port = door.getsockname()[1]
    config.bind = [f"fd://{door.detach()}"]
    asyncio.run(main(port))


def _announced(app: Application, port: int) -> Application:
    async def application(scope: AsgiScope, receive: Receive, send: Send) -> None:
        async def say(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                shop.announce(port)

        await app(scope, receive, say if scope["type"] == "lifespan" else send)

    return application
