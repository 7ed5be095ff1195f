"""Sending on eventlet's hub, in green threads, in a program that is monkey-patched and in one that is not."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import eventlet
import eventlet.event
import eventlet.green.socket
import eventlet.hubs
import eventlet.patcher
from greenlet import greenlet

from asyncsentry.transport.protocol import Request, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry_transports._green import Green, Lock
from asyncsentry_transports._green_socket import GreenSocket

# Any: eventlet has no types, and what can be guessed of them is wrong.
_plain: Any = eventlet.patcher.original("socket")
_threads: Any = eventlet.patcher.original("_thread")
_trampoline: Any = eventlet.hubs.trampoline


class EventletTransport:
    """Runs turns and sends on the hubs that capture."""

    def __init__(self, settings: Settings) -> None:
        self._green = Green(settings, _Eventlet())

    def later(self, delay: float, turn: Turn, /) -> bool:
        """Run the turn on this green thread's hub, or on one that has captured before; False where there is none."""
        return self._green.later(delay, turn)

    def send(self, request: Request, settle: Settle, /) -> None:
        """Send on the turn's hub."""
        self._green.send(request, settle)

    def wait(self, idle: Future[None], timeout: float, /) -> bool:
        """Wait; other green threads go on."""
        return self._green.wait(idle, timeout)

    def close(self, idle: Future[None], timeout: float, /) -> bool:
        """Wait, then end on every hub; other green threads go on."""
        return self._green.close(idle, timeout)


class _Eventlet:
    """The library, as `Green` sees it."""

    def __init__(self) -> None:
        self.network = _Network()

    def present(self) -> Any:
        return getattr(eventlet.hubs._threadlocal, "hub", None)

    def provide(self) -> Any:
        return eventlet.hubs.get_hub()

    def greenlet(self, hub: Any, /) -> greenlet:
        loop: greenlet = hub.greenlet
        return loop

    def open(self, hub: Any, /) -> _Hub:
        return _Hub(hub)

    def event(self) -> _Event:
        return _Event()

    def lock(self) -> Lock:
        made: Lock = _threads.allocate_lock()
        return made


class _Event:
    def __init__(self) -> None:
        self._event = eventlet.event.Event()

    def set(self) -> None:
        self._event.send()

    def wait(self, timeout: float, /) -> None:
        self._event.wait(timeout)


class _Hub:
    """One hub, and the pair of sockets that wakes it: it knows no other way."""

    def __init__(self, hub: Any) -> None:
        self._hub = hub
        self._asked: deque[Callable[[], None]] = deque()
        self._process = os.getpid()
        self._ears, self._mouth = _plain.socketpair()
        for end in (self._ears, self._mouth):
            end.setblocking(False)
            eventlet.hubs.notify_opened(end.fileno())
        self._listener = hub.add(hub.READ, self._ears.fileno(), self._hear, _never, None)
        self._open = True

    @property
    def gone(self) -> bool:
        return bool(self._hub.greenlet.dead)

    def soon(self, function: Callable[[], None], /) -> bool:
        self._asked.append(function)
        try:
            self._mouth.send(b"!")
        except BlockingIOError:
            pass  # it has enough to hear
        except OSError:
            return False
        return True

    def after(self, delay: float, function: Callable[[], None], /) -> Callable[[], None]:
        timer = self._hub.schedule_call_global(delay, eventlet.spawn_n, function)
        cancel: Callable[[], None] = timer.cancel
        return cancel

    def start(self, function: Callable[[], None], ended: Callable[[], None], /) -> Callable[[], None]:
        thread = eventlet.spawn(function)
        thread.link(lambda _: ended())
        kill: Callable[[], None] = thread.kill
        return kill

    def aside(self, function: Callable[[], object], /) -> None:
        done = eventlet.event.Event()

        def work() -> None:
            try:
                function()
            finally:
                self.soon(done.send)

        _threads.start_new_thread(work, ())
        done.wait()

    def close(self) -> None:
        self._asked.clear()
        if self._open and not self.gone:
            self._hub.remove(self._listener)
        self._open = False
        self._ears.close()
        self._mouth.close()

    def _hear(self, _: int) -> None:
        if os.getpid() != self._process:
            return  # a forked child: what is said here is said to the parent
        with suppress(BlockingIOError):
            self._ears.recv(4096)
        while self._asked:
            eventlet.spawn_n(self._asked.popleft())


class _Network:
    """Sockets that wait on the hub of whoever uses them."""

    def __init__(self) -> None:
        self._process = os.getpid()

    # Any: an address looks different in each family.
    def addresses(self, host: str, port: int, seconds: float, /) -> Sequence[tuple[int, int, int, str, Any]]:
        found: list[tuple[int, int, int, str, Any]] | None = None
        with eventlet.Timeout(seconds, False):  # its own: the resolver takes others for a name server's failure
            found = eventlet.green.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        if found is None:
            raise TimeoutError("no answer in time")
        return found

    def socket(self, family: int, kind: int, protocol: int, /) -> GreenSocket:
        made = _plain.socket(family, kind, protocol)
        eventlet.hubs.notify_opened(made.fileno())
        return GreenSocket(made, _pause, self._process)


def _pause(descriptor: int, writing: bool, seconds: float) -> None:
    late = TimeoutError("no answer in time")
    _trampoline(descriptor, read=not writing, write=writing, timeout=seconds, timeout_exc=late)


def _never(*_: object) -> None:
    """What eventlet calls when a file descriptor was closed behind its back."""
