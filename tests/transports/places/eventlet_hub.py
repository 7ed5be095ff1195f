"""The style of green threads on eventlet's hub, in a program that is not patched."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import eventlet
import eventlet.event
import eventlet.hubs
import greenlet

from asyncsentry.testing.habitats import PATIENCE
from asyncsentry_transports.eventlet import EventletTransport
from transports.style import Style

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")

sleep: Any = eventlet.sleep  # it has no types, and is taken for one that takes whole seconds alone


class Door:
    """How other threads reach this thread's hub: a green thread listens at a pair of sockets."""

    def __init__(self) -> None:
        self._asked: deque[Callable[[], object]] = deque()
        self._bell, self._button = socket.socketpair()
        for end in (self._bell, self._button):
            eventlet.hubs.notify_opened(end.fileno())
        self._porter = eventlet.spawn(self._open)

    def ask(self, function: Callable[[], object]) -> None:
        """Have a function run on the hub."""
        self._asked.append(function)
        self._button.send(b"!")

    def close(self) -> None:
        self._porter.kill()
        self._bell.close()
        self._button.close()

    def _open(self) -> None:
        while True:
            eventlet.hubs.trampoline(self._bell, read=True)
            self._bell.recv(1)
            eventlet.spawn_n(self._asked.popleft())


def in_thread(function: Callable[[], T]) -> T:
    """Call what blocks, in a thread; other green threads go on."""
    door, called, done = Door(), Future[T](), eventlet.event.Event()

    def work() -> None:
        call(function, called)
        door.ask(done.send)

    thread = threading.Thread(target=work)
    thread.start()
    done.wait()
    thread.join()
    door.close()
    return called.result(0)


def call(function: Callable[[], T], called: Future[T]) -> None:
    try:
        called.set_result(function())
    except BaseException as error:
        called.set_exception(error)


class GreenThreads:
    """A hub for each scenario, which never suspends: what it waits for, it waits for in its green thread."""

    def run(self, coroutine: Coroutine[Any, Any, None], /) -> None:
        try:
            eventlet.spawn(_run, coroutine).wait()
        finally:
            eventlet.hubs.use_hub()

    async def until(self, future: Future[None], timeout: float, /) -> None:
        door, done = Door(), eventlet.event.Event()
        future.add_done_callback(lambda _: door.ask(done.send))
        done.wait(timeout)
        door.close()
        future.result(0)

    async def aside(self, function: Callable[[], object], /) -> None:
        in_thread(function)

    async def pause(self, seconds: float, /) -> None:
        sleep(seconds)

    async def given(self, waiting: Any, /) -> bool:
        assert isinstance(waiting, bool)
        return waiting

    def others(self) -> list[object]:
        return others()


def others() -> list[object]:
    """What runs on this thread's hub beside the green thread that asks."""
    hub = eventlet.hubs.get_hub().greenlet
    mine = (eventlet.getcurrent(), hub)
    living = [each for each in gc.get_objects() if issubclass(type(each), greenlet.greenlet) and not each.dead]
    return [each for each in living if each not in mine and each.parent is hub]


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise AssertionError("a scenario on green threads suspended")


class EventletHub:
    """A hub in a thread of its own, which ends when nothing is on its way there any more."""

    def __enter__(self) -> Self:
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run_until_left, args=(started,), name="habitat")
        self._thread.start()
        started.result(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._door.ask(self._left.send)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the hub does not end"

    def call(self, function: Callable[[], T], /) -> T:
        called: Future[T] = Future()
        self._door.ask(partial(call, function, called))
        return called.result(PATIENCE)

    def outcome(self, wait: Callable[[], Any], /) -> bool:
        return bool(self.call(wait))

    def _run_until_left(self, started: Future[None]) -> None:
        self._door, self._left = Door(), eventlet.event.Event()
        started.set_result(None)
        self._left.wait()
        self._door.close()
        patience = time.monotonic() + PATIENCE
        while others() and time.monotonic() < patience:
            sleep(0.001)


STYLES = [Style("eventlet", EventletTransport, GreenThreads(), EventletHub)]
