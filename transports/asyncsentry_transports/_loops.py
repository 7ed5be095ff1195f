"""What the asyncio transports share: living on every loop that captures, to its end.

A turn runs on the loop of the thread that asks for it, or, asked for from elsewhere, on one that is bound already. A
loop is bound at its first turn, by starting one asynchronous generator on it. `asyncio.run`, after cancelling all
tasks, closes a loop's generators and waits for them: that is where the last events are delivered and the
connections closed. A loop that is closed without it is noticed at the next turn on another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING

from asyncsentry.transport.protocol import Request, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._binding import Binding, Sender
from asyncsentry_transports._patience import PATIENCE
from asyncsentry_transports._turns import run
from asyncsentry_transports._vigil import Vigil
from asyncsentry_transports._waiting import Waiting

if TYPE_CHECKING:
    from ssl import SSLContext


class Loops:
    """A transport's bindings, and the verbs that do not depend on how it sends."""

    def __init__(self, make_sender: Callable[[asyncio.AbstractEventLoop], Sender], settings: Settings) -> None:
        self._make_sender = make_sender
        self._settings = settings
        self._bindings: dict[asyncio.AbstractEventLoop, Binding] = {}
        self._closed = False

    def later(self, delay: float, turn: Turn) -> bool:
        """Ask this thread's loop, or one that is bound, to run the turn; False if there is none that would."""
        here = running_loop()
        loop = here or self._bound_loop()
        if self._closed or loop is None or self._has_ended(loop):
            return False
        expecting = self._bindings.get(loop)
        if expecting is not None:
            expecting.expect()
        # Also from the loop's own thread: a signal handler must wake it, and may have come in between its heap's steps.
        # But in a turn, or a step of a task, it is awake, and looks for what is to be called before it sleeps again.
        in_turn = expecting is not None and expecting.in_turn
        awake = here is not None and (in_turn or asyncio.current_task(here) is not None)
        call = loop.call_soon if awake else loop.call_soon_threadsafe
        try:
            # An empty context, so that no timer keeps a request's variables alive.
            call(run, partial(self._turn, loop, delay, turn, expecting), context=Context())
        except RuntimeError:  # it was closed
            return False
        return True

    def send(self, request: Request, settle: Settle) -> None:
        """Send on the loop whose turn this is."""
        self._bindings[asyncio.get_running_loop()].send(request, settle)

    def wait(self, idle: Future[None], timeout: float) -> Awaitable[bool]:
        return Waiting(partial(_wait, idle, timeout))

    def close(self, idle: Future[None], timeout: float) -> Awaitable[bool]:
        """Wait, then end what lives on any loop; all that happens too if nobody awaits it."""
        if timeout > 0 and not idle.done():
            for loop, binding in list(self._bindings.items()):
                with suppress(RuntimeError):  # it was closed
                    loop.call_soon_threadsafe(binding.turn, timeout, self._end, context=Context())
            idle.add_done_callback(lambda _: self._end())
        else:
            self._end()
        return Waiting(partial(self._close, idle, timeout))

    async def _close(self, idle: Future[None], timeout: float) -> bool:
        done = await _wait(idle, timeout)
        self._end()
        for loop, binding in list(self._bindings.items()):
            if loop.is_running():
                await _wait(binding.over, PATIENCE)
        return done

    def _end(self) -> None:
        """Tell every loop to end; from any thread, and as often as you like."""
        self._closed = True
        for loop, binding in list(self._bindings.items()):
            try:
                loop.call_soon_threadsafe(binding.hurry, context=Context())
            except RuntimeError:  # it was closed
                binding.bury()
            if not loop.is_running():
                binding.abandon("the transport was closed")

    def _turn(self, loop: asyncio.AbstractEventLoop, delay: float, turn: Turn, expecting: Binding | None) -> None:
        try:
            self._bound_turn(loop, delay, turn)
        finally:
            if expecting is not None:
                expecting.has_come()

    def _bound_turn(self, loop: asyncio.AbstractEventLoop, delay: float, turn: Turn) -> None:
        if self._closed:
            return
        for dead in [other for other in list(self._bindings) if other.is_closed()]:
            if (buried := self._bindings.pop(dead, None)) is not None:
                buried.bury()
        binding = self._bindings.get(loop)
        if binding is None:
            binding = Binding(loop, self._make_sender(loop), Vigil(self._settings))
            binding.start()
            self._bindings[loop] = binding
        binding.turn(delay, turn)

    def _bound_loop(self) -> asyncio.AbstractEventLoop | None:
        open_loops = [loop for loop, binding in list(self._bindings.items()) if not binding.ended]
        return next((loop for loop in reversed(open_loops) if not loop.is_closed()), None)

    def _has_ended(self, loop: asyncio.AbstractEventLoop) -> bool:
        binding = self._bindings.get(loop)
        return binding is not None and binding.ended


async def tls_context(tls: TlsContext) -> SSLContext:
    """The context, made in a thread: reading the platform's authorities takes some 20 ms."""
    if tls.made is None:
        return await asyncio.get_running_loop().run_in_executor(None, tls.get)
    return tls.made


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs in this thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _wait(idle: Future[None], timeout: float) -> bool:
    """Wait for a future of no loop, and never cancel it."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def wake(_: object) -> None:
        with suppress(RuntimeError):  # nobody waits on a closed loop
            loop.call_soon_threadsafe(done.set)

    idle.add_done_callback(wake)
    alarm = loop.call_later(timeout, done.set)
    try:
        await done.wait()
    finally:
        alarm.cancel()
    return idle.done()
