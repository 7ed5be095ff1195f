"""Sending by tasks: one for each request, for the libraries that are made of coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

from asyncsentry.transport.protocol import Response
from asyncsentry_transports._apart import start_apart
from asyncsentry_transports._flight import Flight


class Tasks:
    """The sending tasks of one loop, and those that the library has begun for them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, post: Coroutine[Any, Any, Response], flight: Flight) -> None:
        """Run ``post`` in a task, and settle the flight with what it comes to."""
        task = start_apart(self._loop, post, self._started)
        # From a callback: a task that is cancelled before its first step never enters its own `try`.
        task.add_done_callback(partial(_landed, flight))

    async def end(self) -> None:
        """Cancel what still runs, and wait for it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _started(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _landed(flight: Flight, task: asyncio.Task[Response]) -> None:
    if task.cancelled():
        flight.cancel("the sending task was cancelled")
    elif (error := task.exception()) is not None:
        flight.fail(error)
    else:
        flight.settle(task.result())
