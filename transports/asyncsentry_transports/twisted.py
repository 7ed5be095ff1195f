"""Sending on Twisted's reactor, with Twisted's own HTTP client, for programs that have it already."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import Context
from functools import partial

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.python.threadable import isInIOThread

from asyncsentry.transport.protocol import Request, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._patience import PATIENCE
from asyncsentry_transports._turns import run
from asyncsentry_transports._twisted_binding import Binding
from asyncsentry_transports._twisted_client import AgentSender
from asyncsentry_transports._twisted_reactor import Reactor, Waiting, installed_reactor
from asyncsentry_transports._vigil import Vigil


class TwistedTransport:
    """Runs turns and sends on the reactor that the program has installed, as soon as it runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tls = TlsContext(settings)
        self._bindings: dict[Reactor, Binding] = {}
        self._closed = False

    def later(self, delay: float, turn: Turn, /) -> bool:
        """Have the reactor run the turn; False if there is none, or it has stopped for good."""
        reactor = installed_reactor()
        if self._closed or reactor is None or self._is_gone(reactor):
            return False
        if isInIOThread():
            self._bind(reactor)  # at once: a reactor that is told to stop before the turn has to wait for it
        try:
            # An empty context, so that no timer keeps a request's variables alive.
            Context().run(reactor.callFromThread, run, partial(self._turn, reactor, delay, turn))
        except RuntimeError:  # the asyncio loop below the reactor was closed
            return False
        return True

    def send(self, request: Request, settle: Settle, /) -> None:
        """Send on the reactor that runs this turn."""
        (binding,) = self._bindings.values()
        # A reactor on asyncio runs others' calls in the context of whoever asked for a timer: not in the turn's, then.
        Context().run(binding.send, request, settle)

    def wait(self, idle: Future[None], timeout: float, /) -> Deferred[bool]:
        """Wait on the reactor; where there is none, it says at once how things stand."""
        return self._when(idle, timeout, succeed)

    def close(self, idle: Future[None], timeout: float, /) -> Deferred[bool]:
        """Wait, then end on the reactor; cancelled, it does not wait."""
        if timeout <= 0:
            self._end()
        else:
            idle.add_done_callback(lambda _: self._end())
        return self._when(idle, timeout, self._finish)

    def _when(self, idle: Future[None], timeout: float, then: Callable[[bool], Deferred[bool]]) -> Deferred[bool]:
        reactor = installed_reactor()
        if reactor is None or self._is_gone(reactor):
            return succeed(idle.done()).addCallback(then)
        return Waiting(reactor, idle, timeout, then).deferred

    def _finish(self, done: bool) -> Deferred[bool]:
        self._end()
        running = [(reactor, binding) for reactor, binding in list(self._bindings.items()) if reactor.running]
        ending = [Waiting(reactor, binding.over, PATIENCE).deferred for reactor, binding in running]
        return DeferredList(ending).addCallback(lambda _: done)

    def _end(self) -> None:
        """Tell the reactor to end what is ours; from any thread, and as often as you like."""
        self._closed = True
        for reactor, binding in list(self._bindings.items()):
            with suppress(RuntimeError):  # the asyncio loop below the reactor was closed
                reactor.callFromThread(binding.end)
            if not reactor.running:
                binding.abandon("the transport was closed")

    def _turn(self, reactor: Reactor, delay: float, turn: Turn) -> None:
        if not self._closed:
            self._bind(reactor).turn(delay, turn)

    def _bind(self, reactor: Reactor) -> Binding:
        """Our life on this reactor, which begins with the first who asks: others may, in the midst of it."""
        for other, binding in list(self._bindings.items()):
            if other is not reactor or (binding.ended and not binding.gone):
                self._bindings.pop(other, None)
                binding.abandon("another reactor runs now")
        if reactor not in self._bindings:
            sender = AgentSender(reactor, self._settings, self._tls)
            binding = Binding(reactor, sender, Vigil(self._settings))
            if self._bindings.setdefault(reactor, binding) is binding:
                binding.start()
        return self._bindings[reactor]

    def _is_gone(self, reactor: Reactor) -> bool:
        binding = self._bindings.get(reactor)
        return binding is not None and binding.gone
