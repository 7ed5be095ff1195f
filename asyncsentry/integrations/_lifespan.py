"""The life of an ASGI application, from its start to its end: https://asgi.readthedocs.io/en/latest/specs/lifespan.html"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Final

from asyncsentry.client import Client
from asyncsentry.hooks.logging import claim
from asyncsentry.integrations._asgi import Application, AsgiScope, Message, Receive, Send
from asyncsentry.integrations._errors import Errors

_FAILURES: Final = frozenset({"lifespan.startup.failed", "lifespan.shutdown.failed"})

_ENDS: Final = _FAILURES | {"lifespan.shutdown.complete"}

_LAST_WORDS: Final = ("Application startup failed. Exiting.", "Application shutdown failed. Exiting.")
"""What uvicorn logs after a failure, and as errors: https://github.com/Kludex/uvicorn/blob/main/uvicorn/lifespan/on.py"""


class Life:
    """At its start the client begins to send on the server's loop, and at its end what is left is sent."""

    def __init__(self, app: Application, client: Client[Any], errors: Errors) -> None:
        self._app = app
        self._client = client
        self._errors = errors
        self._told = False
        self._over = False

    async def live(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """An application that raises before it is told to start has no life, as ASGI allows."""

        async def hear() -> Message:
            message = await receive()
            if not self._told:
                self._told = True
                self._client.wake()
            return message

        async def say(message: Message) -> None:
            if message["type"] in _ENDS:
                await self._end(message, send)
            else:
                await send(message)

        try:
            await self._app(scope, hear, say)
        except Exception as error:
            if self._told:
                self._errors.raised(error, self._client)
                if not self._over:  # else the server goes on in the meantime, and takes it for a success
                    await self._flush()
            raise

    async def _end(self, message: Message, send: Send) -> None:
        error = sys.exc_info()[1] if message["type"] in _FAILURES else None
        if isinstance(error, Exception):
            self._errors.raised(error, self._client)
        await self._flush()
        self._over = True
        if isinstance(error, Exception):
            await self._repeat(message, send)
        else:
            await send(message)

    async def _repeat(self, message: Message, send: Send) -> None:
        """Tell the server what was reported: it says it once more, in its own way, and that is no news."""
        repetitions = (message.get("message"), *_LAST_WORDS)
        claim(lambda record: record.name == "uvicorn.error" and record.msg in repetitions)
        try:
            await send(message)
        except Exception as refusal:
            self._client.disregard(refusal)
            raise

    async def _flush(self) -> None:
        """Send what is left, while the loop goes on, if it is one of asyncio's: applications run on trio as well."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._client.flush()
        else:
            await self._client.flush_async()
