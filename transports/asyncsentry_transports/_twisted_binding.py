"""A transport's life on one reactor: what is on its way there, and how it ends with the reactor."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from twisted.internet.defer import Deferred

from asyncsentry.transport.protocol import Request, Settle, Turn
from asyncsentry_transports._binding import Sender
from asyncsentry_transports._flight import Flight
from asyncsentry_transports._patience import SOON
from asyncsentry_transports._turns import run
from asyncsentry_transports._twisted_reactor import DelayedCall, Reactor
from asyncsentry_transports._vigil import Vigil


class Binding:
    """A transport's life on one reactor."""

    def __init__(self, reactor: Reactor, sender: Sender, vigil: Vigil) -> None:
        self.ended = False
        self.over: Future[None] = Future()
        self._reactor = reactor
        self._sender = sender
        self._vigil = vigil
        self._flights: dict[Flight, Settle] = {}
        self._timers: set[DelayedCall] = set()
        self._soon = 0
        self._triggers: list[Any] = []
        self._quiet: Deferred[object] | None = None
        self._looks = 0
        self._stopped = False
        self._closing: Deferred[None] | None = None

    @property
    def gone(self) -> bool:
        """Whether nothing runs here any more. A reactor that was stopped, and runs again all the same, is a new one."""
        return self.ended and not (self._stopped and self._reactor.running)

    def start(self) -> None:
        """Have the reactor wait for us when it is about to stop, and tell us when it does."""
        add = self._reactor.addSystemEventTrigger
        self._triggers = [add("before", "shutdown", self._linger), add("during", "shutdown", self._stop)]

    def turn(self, delay: float, turn: Turn) -> None:
        """Run the turn now or ``delay`` seconds later."""
        if self.ended:
            return
        if delay <= 0:
            run(turn)
            self._note()
            return
        soon = delay <= SOON

        def fire() -> None:
            self._timers.discard(timer)
            self._soon -= soon
            run(turn)
            self._note()

        timer = self._reactor.callLater(delay, fire)
        self._timers.add(timer)
        self._soon += soon

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

    def end(self) -> None:
        """End now, on the reactor."""
        if self._closing is not None:
            return
        self.abandon("the transport has ended", self._vigil.in_vain)
        if self._quiet is None and not self._stopped:  # else the reactor has forgotten them already
            for trigger in self._triggers:
                self._reactor.removeSystemEventTrigger(trigger)
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._soon = 0
        self._closing = Deferred.fromCoroutine(self._close())
        self._note()

    async def _close(self) -> None:
        await self._sender.close()
        self.over.set_result(None)

    def abandon(self, reason: str, waited: float = 0.0) -> None:
        """Settle all that is in flight."""
        self.ended = True
        for flight in list(self._flights):
            flight.cancel(reason, waited)

    def _linger(self) -> Deferred[object]:
        """Hold a reactor that is about to stop while turns and sends are outstanding, but not for long."""
        self._vigil.begin()
        alarm = self._reactor.callLater(self._vigil.longest, self.end)
        self._quiet = quiet = Deferred[object]().addCallback(lambda _: alarm.active() and alarm.cancel())
        self._note()
        return quiet

    def _stop(self) -> None:
        self._stopped = True
        self.end()

    def _landed(self) -> None:
        self._vigil.move()
        self._note()

    def _note(self) -> None:
        """Look whether all is quiet now; but first let the turns run that have been asked for until now."""
        if self._quiet is not None and not self._quiet.called:
            self._looks += 1
            self._reactor.callFromThread(self._look, self._looks)

    def _look(self, look: int) -> None:
        if look == self._looks and not (self._flights or self._soon):
            assert self._quiet is not None
            self._vigil.end()  # if the reactor is held up any longer, it is by others
            self._quiet.callback(None)
