"""A server on trio that reports its crash: ``SENTRY_DSN=… python trio_program.py 8080``."""

from __future__ import annotations

import sys
from functools import partial

import trio

import asyncsentry


async def greet(stream: trio.SocketStream) -> None:
    name = (await stream.receive_some()).decode().strip()
    asyncsentry.capture_message(f"{name} came")
    if name == "nobody":
        raise LookupError("there is nobody to greet")  # nobody catches it: the whole program ends
    await stream.send_all(f"Hello, {name}!\n".encode())


async def main() -> None:
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, greet, int(sys.argv[1]), host="127.0.0.1"))
        print(listeners[0].socket.getsockname(), flush=True)


asyncsentry.init(transport="trio")
trio.run(main)
