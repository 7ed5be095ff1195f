"""The default: each turn goes to the asyncio loop that runs in the capturing thread, else to a thread.

On AWS Lambda, Cloud Functions and App Engine, which freeze a program as soon as it has answered, all is sent before the
capture returns.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from asyncsentry.transport.protocol import Request, Settle, Transport, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry_transports._waiting import Waiting

if TYPE_CHECKING:
    from asyncsentry_transports.asyncio import AsyncioTransport

_FREEZING = ("AWS_LAMBDA_FUNCTION_NAME", "FUNCTION_TARGET", "GAE_ENV")
"""Variables that AWS Lambda, Google's Cloud Functions and App Engine's standard environment set."""


class AutoTransport:
    """Finds the style for each turn; the turn's sends follow it."""

    def __init__(self, settings: Settings, *, environ: Mapping[str, str] = os.environ) -> None:
        self._settings = settings
        self._freezes = any(environ.get(name) for name in _FREEZING)
        self._elsewhere = _urllib(settings) if self._freezes else _threaded(settings)
        self._asyncio: AsyncioTransport | None = None
        if "asyncio" in sys.modules and not self._freezes:
            self._on_loops()  # now, so that the first capture on a loop does not have to

    def later(self, delay: float, turn: Turn, /) -> bool:
        """Run the turn on this thread's loop; where none runs, or it is ending, in the thread."""
        if self._belongs_on_loop() and self._on_loops().later(delay, turn):
            return True
        return self._elsewhere.later(delay, turn)

    def send(self, request: Request, settle: Settle, /) -> None:
        """Send in the style that the turn runs in."""
        sender = self._on_loops() if self._belongs_on_loop() else self._elsewhere
        sender.send(request, settle)

    def wait(self, idle: Future[None], timeout: float, /) -> Awaitable[bool]:
        """Wait on a loop; blocking code has the client's ``flush``."""
        return self._on_loops().wait(idle, timeout)

    def close(self, idle: Future[None], timeout: float, /) -> Awaitable[bool]:
        """Wait, then end the thread and what lives on the loops; blocking, where no loop runs in this thread."""
        if not _on_loop():
            done = self._elsewhere.close(idle, timeout)
            if self._asyncio is not None:
                _ = self._asyncio.close(idle, 0.0)
            return Waiting(partial(_give, done))
        if timeout <= 0 or idle.done():
            self._elsewhere.close(idle, 0.0)
        else:
            idle.add_done_callback(lambda _: self._elsewhere.close(idle, 0.0))
        return self._on_loops().close(idle, timeout)

    def _belongs_on_loop(self) -> bool:
        return not self._freezes and _on_loop()

    def _on_loops(self) -> AsyncioTransport:
        if self._asyncio is None:
            from asyncsentry_transports.asyncio import AsyncioTransport

            self._asyncio = AsyncioTransport(self._settings)
        return self._asyncio


async def _give(done: bool) -> bool:
    return done


def _on_loop() -> bool:
    """Whether a loop runs in this thread; asyncio is not imported to find out."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


def _urllib(settings: Settings) -> Transport[bool]:
    from asyncsentry_transports.urllib import UrllibTransport

    return UrllibTransport(settings)


def _threaded(settings: Settings) -> Transport[bool]:
    from asyncsentry_transports.threaded import ThreadedTransport

    return ThreadedTransport(settings)
