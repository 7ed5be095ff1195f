"""A pulse on asyncio."""

from __future__ import annotations

import asyncio
from types import TracebackType

from pulse import BEAT, Pulse

SETTLING = 0.05
"""Seconds of beats before anything happens."""


class Beating:
    """Lets a task beat while its context lasts."""

    def __init__(self) -> None:
        self._pulse = Pulse()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Pulse:
        self._task = asyncio.create_task(self._beat())
        await asyncio.sleep(SETTLING)
        return self._pulse

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.sleep(10 * BEAT)  # so that the last stall is noted
        assert self._task is not None
        self._task.cancel()

    async def _beat(self) -> None:
        while True:
            self._pulse()
            await asyncio.sleep(BEAT)
