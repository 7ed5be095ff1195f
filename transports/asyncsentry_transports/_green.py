"""What the transports on greenlets share: living on every hub that captures, to its end.

A turn runs on the hub that the capturing greenlet lives on. Asked for from elsewhere (a thread without a hub, or of the
library's pool), it runs on a hub that is bound already. A hub is bound at its first turn, in its own thread. One that
was destroyed, or has ended with its thread, is noticed at the next turn that is asked for: what was on its way there is
settled then. So is what a hub had under way when the program ends: the core sends it again.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from greenlet import getcurrent, greenlet

from asyncsentry.post import Network
from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._green_binding import Binding, Hub
from asyncsentry_transports._patience import PATIENCE

H = TypeVar("H")


class Event(Protocol):
    """Something that greenlets of one hub wait for."""

    def set(self) -> None: ...
    def wait(self, timeout: float, /) -> object: ...


class Lock(Protocol):
    """A lock that holds up a whole thread, in a patched program too."""

    def acquire(self, blocking: bool = ..., timeout: float = ...) -> bool: ...
    def release(self) -> None: ...


class Library(Protocol[H]):
    """A library of greenlets. ``H`` is its own kind of hub."""

    @property
    def network(self) -> Network: ...
    def present(self) -> H | None:
        """This thread's hub, if it has one."""
        ...

    def provide(self) -> H:
        """This thread's hub, made if it has none."""
        ...

    def greenlet(self, hub: H, /) -> greenlet: ...
    def open(self, hub: H, /) -> Hub:
        """Make this thread's hub reachable from everywhere."""
        ...

    def event(self) -> Event: ...
    def lock(self) -> Lock: ...


class Green(Generic[H]):
    """A transport's bindings, and its verbs."""

    def __init__(self, settings: Settings, library: Library[H]) -> None:
        self._settings = settings
        self._tls = TlsContext(settings)
        self._library = library
        self._bindings: dict[int, tuple[H, Binding]] = {}  # by thread, the latest last
        self._closed = False

    def later(self, delay: float, turn: Turn) -> bool:
        """Ask this greenlet's hub, or one that is bound, to run the turn; False if there is none that would."""
        if self._closed:
            return False
        binding = self._find()
        return binding is not None and binding.ask(partial(binding.turn, delay, turn))

    def send(self, request: Request, settle: Settle) -> None:
        """Send on the hub whose turn this is."""
        bound = self._bindings.get(threading.get_native_id())
        if bound is None:
            settle(NoResponse(Cancelled("the hub has ended"), sent=False))
        else:
            bound[1].send(request, settle)

    def wait(self, idle: Future[None], timeout: float) -> bool:
        """Wait with this greenlet alone; in a thread without a hub, with the thread."""
        hub = self._library.present()
        if idle.done() or timeout <= 0:
            return idle.done()
        if hub is None:
            lock = self._library.lock()
            lock.acquire()
            idle.add_done_callback(lambda _: lock.release())
            lock.acquire(timeout=timeout)
        else:
            here, done = self._library.open(hub), self._library.event()
            idle.add_done_callback(lambda _: here.soon(done.set))
            try:
                done.wait(timeout)
            finally:
                here.close()
        return idle.done()

    def close(self, idle: Future[None], timeout: float) -> bool:
        """Wait, then end what lives on any hub; all that happens too if the greenlet that waits is killed."""
        if timeout > 0 and not idle.done():
            for binding in self._all():
                binding.ask(partial(binding.turn, timeout, self._end))
            idle.add_done_callback(lambda _: self._end())
        done = self.wait(idle, timeout)
        self._end()
        for binding in self._all():
            if not self.wait(binding.over, PATIENCE):
                binding.abandon("the transport was closed")
        return done

    def _end(self) -> None:
        """Tell every hub to end; from any thread, and as often as you like."""
        self._closed = True
        self._bury_gone()
        for binding in self._all():
            binding.ask(binding.end)

    def _find(self) -> Binding | None:
        self._bury_gone()
        own = self._library.present()
        if own is not None:
            hub = self._library.greenlet(own)
            if _lives_on(hub) or (hub and _is_main_thread()):
                return self._bind(own)
        bound = self._all()
        if bound:
            return bound[-1]
        if _is_main_thread():  # it will run some time, as sure as this is a program of greenlets
            own = self._library.provide()
        return None if own is None else self._bind(own)

    def _bind(self, hub: H) -> Binding:
        """This thread's binding. It may be that a signal handler makes one in the midst of it."""
        thread = threading.get_native_id()
        if (bound := self._bindings.get(thread)) is not None:
            return bound[1]
        made = Binding(self._library.open(hub), self._settings, self._tls, self._library.network)
        _, binding = self._bindings.setdefault(thread, (hub, made))
        if binding is not made:
            made.hub.close()
        return binding

    def _bury_gone(self) -> None:
        """Bury what is bound to a hub that is gone, or that its thread has replaced."""
        here, own = threading.get_native_id(), self._library.present()
        for thread, bound in list(self._bindings.items()):
            gone = bound[1].hub.gone or (thread == here and bound[0] is not own)
            if gone and self._bindings.get(thread) is bound:
                del self._bindings[thread]
                bound[1].bury("the hub has ended")

    def _all(self) -> list[Binding]:
        return [binding for _, binding in list(self._bindings.values())]


def _lives_on(hub: greenlet) -> bool:
    """Whether the hub goes on when the current greenlet waits or ends."""
    each: Any = getcurrent()
    while each is not None and each is not hub:
        each = each.parent
    return each is not None


def _is_main_thread() -> bool:
    # Python does not tell the main thread of a forked child its new number; on Linux it is that of the process.
    return threading.get_native_id() in (os.getpid(), threading.main_thread().native_id)
