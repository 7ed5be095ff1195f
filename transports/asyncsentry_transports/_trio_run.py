"""One run of trio, as it is reached from outside: its token, and waiting in it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeAlias

import trio

from asyncsentry_transports._trio_time import at_most

Token: TypeAlias = trio.lowlevel.TrioToken


def present_run() -> Token | None:
    """The run of this thread, also where a signal handler or, in guest mode, its host interrupts it."""
    try:
        return trio.lowlevel.current_trio_token()
    except RuntimeError:
        return None


def ask(token: Token, function: Callable[[], object]) -> bool:
    """Have it run soon, from any thread, signal handler or finalizer; False if the run is over."""
    try:
        token.run_sync_soon(function)
    except (trio.RunFinishedError, OSError):  # the latter after a run that broke down
        return False
    return True


async def wait(idle: Future[None], timeout: float) -> bool:
    """Wait for a future of no run, and never cancel it."""
    token, done = trio.lowlevel.current_trio_token(), trio.Event()
    idle.add_done_callback(lambda _: ask(token, done.set))
    async with at_most(timeout):
        await done.wait()
    return idle.done()
