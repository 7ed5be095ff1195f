"""A transport's life on one loop: what is on its way there, and how it ends with the loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from contextlib import suppress
from typing import Protocol

from asyncsentry.transport.protocol import Request, Settle, Turn
from asyncsentry_transports._flight import Flight
from asyncsentry_transports._patience import SOON
from asyncsentry_transports._turns import run
from asyncsentry_transports._vigil import Vigil


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

    def __init__(self, loop: asyncio.AbstractEventLoop, sender: Sender, vigil: Vigil) -> None:
        self.ended = False
        self.in_turn = False
        """Whether a turn runs on the loop just now."""
        self.over: Future[None] = Future()
        self._loop = loop
        self._sender = sender
        self._vigil = vigil
        self._flights: dict[Flight, Settle] = {}
        self._changed = asyncio.Event()
        self._asked: deque[None] = deque()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._soon: set[int] = set()
        self._latest = 0
        self._hurried = False
        self._ending: asyncio.Task[None] | None = None
        self._life = self._live()

    def start(self) -> None:
        """Begin to live; only inside the running loop, which then knows the generator and closes it at its end."""
        with suppress(StopIteration):
            self._life.__anext__().send(None)

    def expect(self) -> None:
        """A turn was asked for, by any thread: the loop does not end before `has_come`."""
        self._asked.append(None)

    def has_come(self) -> None:
        """It is here."""
        self._asked.pop()
        self._note()

    def turn(self, delay: float, turn: Turn) -> None:
        """Run the turn ``delay`` seconds from now.

        Also if it may run now, by a timer: what is due on the loop, because a capture held it up or another turn did,
        comes first.
        """
        if self.ended:
            return
        self._latest = number = self._latest + 1
        if delay <= SOON:
            self._soon.add(number)
        self._timers[number] = self._loop.call_later(delay, self._fire, number, turn)

    def _fire(self, number: int, turn: Turn) -> None:
        try:
            self._timers.pop(number, None)
            self.in_turn = True
            run(turn)
        finally:
            self.in_turn = False
            self._soon.discard(number)
            self._note()

    def send(self, request: Request, settle: Settle) -> None:
        flight = Flight(self._flights, self._landed)
        self._flights[flight] = settle
        if self.ended:
            flight.cancel("the transport has ended")
            return
        self._vigil.move()
        try:
            self._sender.send(request, flight)
        except Exception as error:  # a request that cannot be written is a failed one
            flight.fail(error)

    def hurry(self) -> None:
        """End now, on the loop."""
        self._stop_waiting()
        if self._ending is None and not self.over.done():
            self._ending = self._loop.create_task(self._end_early(), name="asyncsentry-end")

    def bury(self) -> None:
        """The loop was closed without a word."""
        self.abandon("the loop was closed")
        self._report_over()

    def abandon(self, reason: str, waited: float = 0.0) -> None:
        """Settle all that is in flight."""
        self.ended = True
        for flight in list(self._flights):
            flight.cancel(reason, waited)

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
        self._vigil.begin()
        alarm = self._loop.call_later(self._vigil.longest, self._stop_waiting)
        try:
            await asyncio.sleep(0)  # what main's last captures asked for is ready, and comes first
            while (self._flights or self._asked or self._soon) and not self._hurried:
                self._changed.clear()
                await self._changed.wait()
        finally:
            alarm.cancel()

    async def _end(self) -> None:
        if self.over.done():
            return
        self.abandon("the loop has ended", self._vigil.in_vain)
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        await self._sender.close()
        self._report_over()

    def _stop_waiting(self) -> None:
        self._hurried = True
        self._note()

    def _landed(self) -> None:
        self._vigil.move()
        self._note()

    def _note(self) -> None:
        with suppress(RuntimeError):  # nobody looks any more on a loop that was closed
            self._changed.set()

    def _report_over(self) -> None:
        if not self.over.done():
            self.over.set_result(None)
