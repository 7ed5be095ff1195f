"""What the asyncio transports share: living on every loop that captures, to its end.

A turn runs on the loop of the thread that asks for it, or, asked for from elsewhere, on one that is bound already. A
loop is bound at its first turn, by starting one asynchronous generator on it. `asyncio.run`, after cancelling all
tasks, closes a loop's generators and waits for them: that is where the last events are delivered and the
connections closed. A loop that is closed without it is noticed at the next turn on another.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Protocol

from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Response, Settle, Turn
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._turns import run
from asyncsentry_transports._waiting import Waiting

if TYPE_CHECKING:
    from ssl import SSLContext

_PATIENCE = 1.0
"""Seconds that `Loops.close` gives a loop to end what is ours there."""
_SOON = 0.05
"""Seconds: a loop that is ending still waits for turns with a shorter delay."""


class Flight:
    """One send on its way: settles once, whoever comes first."""

    def __init__(self, flights: dict[Flight, Settle], landed: asyncio.Event) -> None:
        self.sent = False
        """Whether part of the request may have left."""
        self._flights = flights
        self._landed = landed

    @property
    def settled(self) -> bool:
        return self not in self._flights

    def settle(self, outcome: Response | NoResponse) -> None:
        settle = self._flights.pop(self, None)
        if settle is not None:
            run(partial(settle, outcome))
            self._landed.set()

    def cancel(self, reason: str) -> None:
        self.settle(NoResponse(Cancelled(reason), self.sent))

    def fail(self, error: BaseException) -> None:
        self.settle(NoResponse(error, self.sent))


class Sender(Protocol):
    """What a transport is on one loop."""

    def send(self, request: Request, flight: Flight, /) -> None:
        """Start to send; settle the flight in the end, and keep its ``sent`` true."""
        ...

    async def close(self) -> None:
        """End all tasks and connections; again, if it was cancelled. The flights are settled already."""
        ...


class Binding:
    """A transport's life on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sender: Sender, patience: float) -> None:
        self.ended = False
        self.over: Future[None] = Future()
        self._loop = loop
        self._sender = sender
        self._patience = patience
        self._flights: dict[Flight, Settle] = {}
        self._landed = asyncio.Event()
        self._timers: set[asyncio.TimerHandle] = set()
        self._soon = 0
        self._hurried = False
        self._ending: asyncio.Task[None] | None = None
        self._life = self._live()

    def start(self) -> None:
        """Begin to live; only inside the running loop, which then knows the generator and closes it at its end."""
        with suppress(StopIteration):
            self._life.__anext__().send(None)

    def turn(self, delay: float, turn: Turn) -> None:
        """Run the turn now or ``delay`` seconds later."""
        if self.ended:
            return
        if delay <= 0:
            run(turn)
            return
        soon = delay <= _SOON

        def fire() -> None:
            self._timers.discard(handle)
            self._soon -= soon
            run(turn)
            self._landed.set()

        handle = self._loop.call_later(delay, fire)
        self._timers.add(handle)
        self._soon += soon

    def send(self, request: Request, settle: Settle) -> None:
        flight = Flight(self._flights, self._landed)
        self._flights[flight] = settle
        if self.ended:
            flight.cancel("the transport has ended")
            return
        try:
            self._sender.send(request, flight)
        except Exception as error:  # a request that cannot be written is a failed one
            flight.fail(error)

    def hurry(self) -> None:
        """End now, on the loop."""
        self._stop_waiting()
        if self._ending is None and not self.ended:
            self._ending = self._loop.create_task(self._end_early())

    def bury(self) -> None:
        """The loop was closed without a word."""
        self.abandon("the loop was closed")
        self._report_over()

    def abandon(self, reason: str) -> None:
        """Settle all that is in flight."""
        self.ended = True
        for flight in list(self._flights):
            flight.cancel(reason)

    async def _end_early(self) -> None:
        await self._end()  # not in the generator: were this task cancelled, the loop's own end has to finish it
        with suppress(RuntimeError):  # the loop's own end has begun to close it
            await self._life.aclose()

    async def _live(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            try:
                await self._linger()
            finally:
                await self._end()

    async def _linger(self) -> None:
        """Wait while turns and sends are outstanding, but not for long."""
        alarm = self._loop.call_later(self._patience, self._stop_waiting)
        try:
            await asyncio.sleep(0)  # what main's last captures asked for is ready, and comes first
            while (self._flights or self._soon) and not self._hurried:
                # A settled send asks for the next turn before it wakes us, so we look after that turn.
                self._landed.clear()
                await self._landed.wait()
        finally:
            alarm.cancel()

    async def _end(self) -> None:
        if self.over.done():
            return
        self.abandon("the loop has ended")
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        await self._sender.close()
        self._report_over()

    def _stop_waiting(self) -> None:
        self._hurried = True
        self._landed.set()

    def _report_over(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


class Loops:
    """A transport's bindings, and the verbs that do not depend on how it sends."""

    def __init__(self, make_sender: Callable[[asyncio.AbstractEventLoop], Sender], patience: float) -> None:
        """``patience``: for how many seconds a loop that is ending is held to deliver what is left."""
        self._make_sender = make_sender
        self._patience = patience
        self._bindings: dict[asyncio.AbstractEventLoop, Binding] = {}
        self._closed = False

    def later(self, delay: float, turn: Turn) -> bool:
        """Ask this thread's loop, or one that is bound, to run the turn; False if there is none that would."""
        loop = running_loop() or self._bound_loop()
        if self._closed or loop is None or self._has_ended(loop):
            return False
        try:
            # Also from the loop's own thread: a signal handler must wake it, and may have come in between its heap's
            # steps. An empty context, so that no timer keeps a request's variables alive.
            loop.call_soon_threadsafe(self._turn, loop, delay, turn, context=Context())
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
                await _wait(binding.over, _PATIENCE)
        return done

    def _end(self) -> None:
        """Tell every loop to end; from any thread, and as often as you like."""
        self._closed = True
        for loop, binding in list(self._bindings.items()):
            try:
                loop.call_soon_threadsafe(binding.hurry, context=Context())
            except RuntimeError:  # it was closed
                binding.bury()

    def _turn(self, loop: asyncio.AbstractEventLoop, delay: float, turn: Turn) -> None:
        if self._closed:
            return
        for dead in [other for other in list(self._bindings) if other.is_closed()]:
            if (buried := self._bindings.pop(dead, None)) is not None:
                buried.bury()
        binding = self._bindings.get(loop)
        if binding is None:
            binding = self._bindings[loop] = Binding(loop, self._make_sender(loop), self._patience)
            binding.start()
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
