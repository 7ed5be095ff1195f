"""Time as it passes for a server: also in a program that is tested under a clock which stands still, or jumps.

There trio's own time says nothing about how long a request takes, or a run may be held. So threads wait instead.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio
from trio.lowlevel import enable_ki_protection


async def sleep(seconds: float) -> None:
    """Wait for so long."""
    if not _is_mocked():
        await trio.sleep(max(seconds, 0.0))
        return
    awake = threading.Event()
    try:
        await trio.to_thread.run_sync(awake.wait, seconds, abandon_on_cancel=True, limiter=trio.CapacityLimiter(1))
    finally:
        awake.set()


@asynccontextmanager
async def at_most(seconds: float) -> AsyncGenerator[trio.CancelScope, None]:
    """Cancel what goes on in here after so long. Nothing but a cancellation may come out of it."""
    if not _is_mocked():
        with trio.move_on_after(max(seconds, 0.0)) as scope:
            yield scope
        return
    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            nursery.start_soon(_cancel_later, scope, seconds)
            yield scope
        nursery.cancel_scope.cancel()


@enable_ki_protection
async def _cancel_later(scope: trio.CancelScope, seconds: float) -> None:
    await sleep(seconds)
    scope.cancel()


def _is_mocked() -> bool:
    testing = sys.modules.get("trio.testing")
    return testing is not None and isinstance(trio.lowlevel.current_clock(), testing.MockClock)
