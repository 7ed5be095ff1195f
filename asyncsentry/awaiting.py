"""Flushing and closing, awaited on an asyncio loop, whatever the transport's own style."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Generator
from concurrent.futures import Future
from contextlib import suppress

from asyncsentry.delivery.dispatcher import Dispatcher

logger = logging.getLogger("asyncsentry")


async def flush(dispatcher: Dispatcher, timeout: float) -> bool:
    """Wait while the transport goes on; where it cannot, have another thread wait and send."""
    idle, going = dispatcher.hasten()
    if not going and not idle.done():
        return await asyncio.get_running_loop().run_in_executor(None, dispatcher.flush, timeout)
    try:
        return await _wait(idle, timeout)
    finally:
        dispatcher.forget(idle)


async def close(dispatcher: Dispatcher, timeout: float) -> None:
    """Flush, then end the transport in its own style, then count what is left; also if the waiting is cancelled."""
    try:
        await flush(dispatcher, timeout)
    finally:
        waiting = dispatcher.end(0.0)
        try:
            if isinstance(waiting, Awaitable):
                await waiting
        except Exception:  # another style's, which asyncio cannot wait for: the transport ends all the same
            logger.debug("the transport's end cannot be awaited on asyncio", exc_info=True)
        finally:
            if dispatcher.spool is None:
                dispatcher.give_up()
            else:  # which waits for the disk
                await asyncio.get_running_loop().run_in_executor(None, dispatcher.give_up)


class Nothing:
    """What waiting for nothing gives, in whatever style: it is true, and it may be awaited."""

    def __bool__(self) -> bool:
        return True

    def __await__(self) -> Generator[None, None, bool]:
        return True
        yield  # makes it a generator, which awaiting takes


async def _wait(idle: Future[None], timeout: float) -> bool:
    """True when ``idle`` is done, False after ``timeout`` seconds. ``idle`` is never cancelled."""
    if idle.done():
        return True
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def wake(_: Future[None]) -> None:
        with suppress(RuntimeError):  # the loop has ended in the meantime: nobody waits any more
            loop.call_soon_threadsafe(done.set)

    idle.add_done_callback(wake)
    alarm = loop.call_later(timeout, done.set)
    try:
        await done.wait()
    finally:
        alarm.cancel()
    return idle.done()
