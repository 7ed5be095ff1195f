"""Sending on gevent's hub, in greenlets, in a program that is monkey-patched and in one that is not."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from threading import get_native_id
from typing import Any

import gevent
import gevent.event
import gevent.hub
import gevent.monkey
import gevent.socket
import gevent.threadpool  # looks names up; some versions cannot import it any more when Python is ending
from gevent._hub_local import get_hub_if_exists

from asyncsentry.transport.protocol import Request, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry_transports._green import Event, Green, Lock
from asyncsentry_transports._green_socket import GreenSocket


class GeventTransport:
    """Runs turns and sends on the hubs that capture."""

    def __init__(self, settings: Settings) -> None:
        self._green = Green(settings, _Gevent())

    def later(self, delay: float, turn: Turn, /) -> bool:
        """Run the turn on this greenlet's hub, or on one that has captured before; False where there is none."""
        return self._green.later(delay, turn)

    def send(self, request: Request, settle: Settle, /) -> None:
        """Send on the turn's hub."""
        self._green.send(request, settle)

    def wait(self, idle: Future[None], timeout: float, /) -> bool:
        """Wait; other greenlets go on."""
        return self._green.wait(idle, timeout)

    def close(self, idle: Future[None], timeout: float, /) -> bool:
        """Wait, then end on every hub; other greenlets go on."""
        return self._green.close(idle, timeout)


class _Gevent:
    """The library, as `Green` sees it."""

    def __init__(self) -> None:
        self.network = _Network()

    def present(self) -> gevent.hub.Hub | None:
        return get_hub_if_exists()

    def provide(self) -> gevent.hub.Hub:
        return gevent.get_hub()

    def greenlet(self, hub: gevent.hub.Hub, /) -> gevent.hub.Hub:
        return hub

    def open(self, hub: gevent.hub.Hub, /) -> _Hub:
        return _Hub(hub)

    def event(self) -> Event:
        return gevent.event.Event()

    def lock(self) -> Lock:
        made: Lock = gevent.monkey.get_original("_thread", "allocate_lock")()
        return made


class _Hub:
    """One hub, and the watcher that wakes it.

    Not the loop's own `run_callback_threadsafe`: it counts in the other thread what holds the loop, without a lock.
    """

    def __init__(self, hub: gevent.hub.Hub) -> None:
        self._hub = hub
        self._thread = get_native_id()
        self._asked: deque[Callable[[], None]] = deque()
        self._watcher = hub.loop.async_(ref=False)
        self._watcher.start(_run, self._asked)  # not a method: a loop that is destroyed keeps what it was given
        self._open = True

    @property
    def gone(self) -> bool:
        return self._hub.loop is None or self._hub.dead

    def soon(self, function: Callable[[], None], /) -> bool:
        self._asked.append(function)
        try:
            self._watcher.send()
        except Exception:  # the loop was destroyed; each kind of loop says so in its own way
            return False
        return self._open

    def after(self, delay: float, function: Callable[[], None], /) -> Callable[[], None]:
        loop = self._hub.loop
        timer = loop.timer(delay, ref=False)

        def fire() -> None:
            timer.close()
            gevent.spawn_raw(function)

        loop.update_now()
        timer.start(fire)
        cancel: Callable[[], None] = timer.close
        return cancel

    def start(self, function: Callable[[], None], ended: Callable[[], None], /) -> Callable[[], None]:
        greenlet = gevent.Greenlet(function)
        greenlet.link(lambda _: ended())
        greenlet.start()
        return greenlet.kill

    def aside(self, function: Callable[[], object], /) -> None:
        self._hub.threadpool.apply(function)

    def close(self) -> None:
        self._open = False
        self._asked.clear()
        if self._hub.loop is None and get_native_id() != self._thread:
            return  # the loop is destroyed as well, or goes on there with another hub
        with suppress(Exception):  # it is destroyed
            self._watcher.close()


class _Network:
    """Sockets that wait on the hub of whoever uses them."""

    def __init__(self) -> None:
        self._process = os.getpid()

    # Any: an address looks different in each family.
    def addresses(self, host: str, port: int, seconds: float, /) -> Sequence[tuple[int, int, int, str, Any]]:
        with gevent.Timeout(seconds, TimeoutError("no answer in time")):
            return gevent.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)

    def socket(self, family: int, kind: int, protocol: int, /) -> GreenSocket:
        plain = gevent.monkey.get_original("socket", "socket")
        return GreenSocket(plain(family, kind, protocol), _pause, self._process)


def _run(asked: deque[Callable[[], None]]) -> None:
    while asked:
        gevent.spawn_raw(asked.popleft())


def _pause(descriptor: int, writing: bool, seconds: float) -> None:
    wait = gevent.socket.wait_write if writing else gevent.socket.wait_read
    wait(descriptor, seconds, TimeoutError("no answer in time"))
