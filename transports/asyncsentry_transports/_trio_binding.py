"""A transport's life in one run of trio: what is on its way there, and how it ends with the run.

It is led by a system task, which trio cancels when main has returned, and then waits for: that is where the last events
are delivered and the connections closed. System tasks keep no run alive, and what they do is shielded until then.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial

import trio
from trio.lowlevel import enable_ki_protection

from asyncsentry.transport.protocol import Request, Settle, Turn
from asyncsentry_transports._flight import Flight
from asyncsentry_transports._patience import SOON
from asyncsentry_transports._trio_pool import Pool
from asyncsentry_transports._trio_run import Token, ask
from asyncsentry_transports._trio_time import at_most, sleep
from asyncsentry_transports._turns import run
from asyncsentry_transports._vigil import Vigil


class Binding:
    """A transport's life in one run. All but `abandon` and `bury` happens there.

    Ctrl-C is never raised in our tasks, where it would be an error of trio's: it is main's.
    """

    def __init__(self, token: Token, pool: Pool, vigil: Vigil, given: trio.Nursery | None) -> None:
        """``given``: the application's nursery, if requests are to be sent in one; its cancellation is theirs then."""
        self.ended = False
        self.over: Future[None] = Future()
        self._token = token
        self._pool = pool
        self._vigil = vigil
        self._given = given
        self._nursery: trio.Nursery | None = None
        self._early: list[Callable[[], None]] = []
        self._last_moments: AsyncGenerator[None, None] | None = None
        self._flights: dict[Flight, Settle] = {}
        self._scopes: set[trio.CancelScope] = set()
        self._soon = 0
        self._ran = 0
        self._told = trio.Event()
        self._stirred = trio.lowlevel.ParkingLot()

    def start(self) -> None:
        """Begin to live. Raises RuntimeError where that would be too late."""
        try:
            trio.lowlevel.spawn_system_task(self._live)
        except RuntimeError:  # main has returned, and there was no system task to wait for
            self._token.run_sync_soon(_nothing)  # which it takes, unless even the generators are closed already
            self._last_moments = self._live_to_the_last()
            with suppress(StopIteration):
                self._last_moments.__anext__().send(None)

    def turn(self, delay: float, turn: Turn) -> None:
        """Run the turn now or ``delay`` seconds later."""
        if self.ended:
            return
        if self._nursery is None:
            self._early.append(partial(self.turn, delay, turn))
        elif delay <= 0:
            self._ran += 1
            run(turn)
            self._stir()
        else:
            soon = delay <= SOON
            self._soon += soon
            self._nursery.start_soon(self._tick, delay, turn, soon)

    def send(self, request: Request, settle: Settle) -> None:
        flight = Flight(self._flights, self._landed)
        self._flights[flight] = settle
        nursery = self._given or self._nursery
        if self.ended or nursery is None:
            flight.cancel("the transport has ended")
            return
        self._vigil.move()
        try:
            nursery.start_soon(self._post, request, flight)
        except RuntimeError:
            self._leave(flight, "the nursery has closed")

    def hurry(self) -> None:
        """End now."""
        self._told.set()
        self._stir()

    def abandon(self, reason: str, waited: float = 0.0) -> None:
        """Settle all that is in flight, from any thread: the run is held up, or ends."""
        self.ended = True
        for flight in list(self._flights):
            flight.cancel(reason, waited)

    def bury(self) -> None:
        """Settle all that is in flight and let go of the rest, from any thread: the run is over."""
        self.abandon("the run has ended")
        self._pool.close()
        if self._last_moments is not None:
            with suppress(StopIteration, RuntimeError):
                self._last_moments.aclose().send(None)
        self._report_over()

    async def _live_to_the_last(self) -> AsyncGenerator[None, None]:
        """What trio closes after all system tasks; in a scope that is cancelled, as theirs then is."""
        try:
            yield
        finally:
            if not self.ended:
                await self._live()

    @enable_ki_protection
    async def _live(self) -> None:
        try:
            async with trio.open_nursery() as nursery:
                self._begin(nursery)
                try:
                    await self._told.wait()
                finally:
                    with trio.CancelScope(shield=True):
                        await self._linger()
                        await self._end()
        finally:
            self._report_over()

    def _begin(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        while self._early:
            self._early.pop(0)()

    async def _linger(self) -> None:
        """Wait while turns and sends are outstanding, but not for long."""
        self._vigil.begin()
        async with at_most(self._vigil.longest):
            while not self._told.is_set():
                if await self._catch_up():  # a settled send asks for the next turn before it wakes us
                    continue
                if not (self._flights or self._soon):
                    return
                await self._stirred.park()

    async def _catch_up(self) -> bool:
        """Let the turns run that have been asked for until now; whether any did, which may have asked for another."""
        ran, caught_up = self._ran, trio.Event()
        if ask(self._token, caught_up.set):
            await caught_up.wait()
        return self._ran > ran

    async def _end(self) -> None:
        self.abandon("the run has ended", self._vigil.in_vain)
        for scope in self._scopes:
            scope.cancel()
        while self._scopes:
            await self._stirred.park()
        self._pool.close()

    @enable_ki_protection
    async def _tick(self, delay: float, turn: Turn, soon: bool) -> None:
        with self._scope(shield=soon):
            await sleep(delay)
            self._soon -= soon
            run(turn)

    @enable_ki_protection
    async def _post(self, request: Request, flight: Flight) -> None:
        try:
            with self._scope(shield=self._given is None):
                await self._pool.post(request, flight)
        except BaseException as error:
            if self._given is not None or not _is_interrupt(error):
                raise
            flight.cancel("the program was interrupted")
            signal.raise_signal(signal.SIGINT)  # it came in a task of trio's own, which connects for us
        finally:
            if not flight.settled:
                self._leave(flight, "the nursery was cancelled")

    @contextmanager
    def _scope(self, *, shield: bool) -> Generator[None, None, None]:
        """What goes on in here is cancelled in the end, and waited for."""
        scope = trio.CancelScope(shield=shield)
        if self.ended:  # before this task's first step
            scope.cancel()
        self._scopes.add(scope)
        try:
            with scope:
                yield
        finally:
            self._scopes.discard(scope)
            self._stir()

    def _landed(self) -> None:
        if not self.ended:  # else perhaps in another thread
            self._vigil.move()
            self._stir()

    def _leave(self, flight: Flight, reason: str) -> None:
        """Nothing can be sent here any more; the next that is asked for is refused."""
        self.ended = True
        flight.cancel(reason)
        self.hurry()

    def _stir(self) -> None:
        self._stirred.unpark_all()

    def _report_over(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


def _is_interrupt(error: BaseException) -> bool:
    """Whether it is a KeyboardInterrupt, or a group with one."""
    return isinstance(error, KeyboardInterrupt) or any(map(_is_interrupt, getattr(error, "exceptions", ())))


def _nothing() -> None:
    pass
