"""An answer on Starlette that has no end, and says when its client is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse
from starlette.types import Send

import asyncsentry


class Endless(StreamingResponse):
    """Says so itself: a generator is left to the collector if its client goes while something is sent."""

    def __init__(self) -> None:
        super().__init__(say_more())

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        finally:
            asyncsentry.capture_message("gone")


async def say_more() -> AsyncIterator[bytes]:
    while True:
        yield b"more"
        await asyncio.sleep(0.001)
