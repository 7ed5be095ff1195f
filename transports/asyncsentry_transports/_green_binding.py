"""A transport's life on one hub: its turns, the requests on their way, and the connections kept for more."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Protocol

from asyncsentry.post import Channel, Network
from asyncsentry.transport.protocol import NoResponse, Request, Response, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._flight import Flight
from asyncsentry_transports._turns import run


class Hub(Protocol):
    """One thread's hub. Whatever it runs, it runs in a greenlet: in the hub itself nothing may wait."""

    @property
    def gone(self) -> bool:
        """Whether nothing can run here any more: the hub was destroyed, or its thread has ended."""
        ...

    def soon(self, function: Callable[[], None], /) -> bool:
        """Run it, if possible; called from any thread, signal handler or finalizer."""
        ...

    def after(self, delay: float, function: Callable[[], None], /) -> Callable[[], None]:
        """Run it some time later, without keeping the hub alive for it; gives what prevents it."""
        ...

    def start(self, function: Callable[[], None], ended: Callable[[], None], /) -> Callable[[], None]:
        """Run it, and ``ended`` when it has ended, killed or not, begun or not; gives what kills it, and waits."""
        ...

    def aside(self, function: Callable[[], object], /) -> None:
        """Run in a thread what would hold the hub up, and wait."""
        ...

    def close(self) -> None:
        """Leave nothing behind, and run nothing more; called on the hub, or when it is gone, and more than once."""
        ...


class Binding:
    """All but `ask`, `abandon` and `bury` happens on the hub, in its greenlets."""

    def __init__(self, hub: Hub, settings: Settings, tls: TlsContext, network: Network) -> None:
        self.hub = hub
        self.ended = False
        self.over: Future[None] = Future()
        self.timeout = settings.timeout
        self._settings = settings
        self._tls = tls
        self._network = network
        self._flights: dict[Flight, Settle] = {}
        self._sendings: set[_Sending] = set()
        self._idle: deque[Channel] = deque()
        self._timers: set[Callable[[], None]] = set()

    def ask(self, function: Callable[[], None]) -> bool:
        """Have it run on the hub; from anywhere."""
        return not self.ended and self.hub.soon(function)

    def turn(self, delay: float, turn: Turn) -> None:
        """Run the turn now or ``delay`` seconds later."""
        if self.ended:
            return
        if delay <= 0:
            run(turn)
            return

        def fire() -> None:
            self._timers.discard(cancel)
            if not self.ended:
                run(turn)

        cancel = self.hub.after(delay, fire)
        self._timers.add(cancel)

    def send(self, request: Request, settle: Settle) -> None:
        flight = Flight(self._flights, _nothing)
        self._flights[flight] = settle
        if self.ended:
            flight.cancel("the transport has ended")
            return
        sending = _Sending(self, request, flight)
        self._sendings.add(sending)
        sending.begin()

    def take(self) -> Channel:
        """A channel that is kept, or a new one."""
        try:
            return self._idle.pop()
        except IndexError:
            pass
        settings = self._settings
        if settings.url.startswith("https:"):
            if self._tls.made is None:  # reading the platform's authorities takes some 20 ms
                self.hub.aside(self._tls.get)
            settings = replace(settings, ssl_context=self._tls.get())
        return Channel(settings, self._network)

    def land(self, sending: _Sending) -> None:
        """Keep its channel, or close it."""
        self._sendings.discard(sending)
        channel = sending.channel
        if channel is None:
            return
        if self.ended or len(self._idle) >= self._settings.max_in_flight:
            channel.close()
        else:
            self._idle.append(channel)

    def end(self) -> None:
        """End what goes on here."""
        if self.over.done():
            return
        self._settle("the transport was closed")
        for cancel in self._timers:
            cancel()
        for sending in list(self._sendings):
            sending.kill()
        self._hang_up()
        self.hub.close()
        self._report_over()

    def abandon(self, reason: str) -> None:
        """Settle all that is in flight, from any thread: the hub is held up. It does the rest when it goes on."""
        self._settle(reason)
        for channel in (*(sending.channel for sending in list(self._sendings)), *list(self._idle)):
            if channel is not None:
                channel.abort()

    def bury(self, reason: str) -> None:
        """Settle all that is in flight and let go of the rest, from any thread: the hub is gone."""
        self._settle(reason)
        self._hang_up()
        self.hub.close()
        self._report_over()

    def _settle(self, reason: str) -> None:
        self.ended = True
        for sending in list(self._sendings):
            sending.abandon(reason)

    def _hang_up(self) -> None:
        while self._sendings:
            self.land(self._sendings.pop())
        while self._idle:
            self._idle.pop().close()

    def _report_over(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


class _Sending:
    """One request on its way, in a greenlet of its own."""

    def __init__(self, binding: Binding, request: Request, flight: Flight) -> None:
        self.channel: Channel | None = None
        self.kill: Callable[[], None] = _nothing
        self._binding = binding
        self._request = request
        self._flight = flight
        self._outcome: Response | NoResponse | None = None

    def begin(self) -> None:
        # From what is called at its end: a greenlet that is killed before its first step never enters its own `try`.
        self.kill = self._binding.hub.start(self._post, self._landed)

    def abandon(self, reason: str) -> None:
        """Settle; the greenlet is killed, or can never run again."""
        self._flight.sent = self.channel is not None and self.channel.sent
        self._flight.cancel(reason)

    def _post(self) -> None:
        deadline = time.monotonic() + self._binding.timeout
        try:
            self.channel = self._binding.take()
        except Exception as error:  # no TLS could be made ready
            self._outcome = NoResponse(error, sent=False)
        else:
            self._outcome = self.channel.post(self._request, deadline - time.monotonic())

    def _landed(self) -> None:
        self._binding.land(self)
        if self._outcome is None:
            self.abandon("the sending greenlet was killed")
        else:
            self._flight.settle(self._outcome)


def _nothing() -> None:
    pass
