"""The style of greenlets on gevent's hub, in a program that is not patched."""

from __future__ import annotations

import gc
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import gevent
import gevent.event
import greenlet

from asyncsentry.testing.habitats import PATIENCE
from asyncsentry_transports.gevent import GeventTransport
from transports.style import Style

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")


class Door:
    """How other threads reach this thread's hub."""

    def __init__(self) -> None:
        self._asked: deque[Callable[[], object]] = deque()
        self._watcher = gevent.get_hub().loop.async_()
        self._watcher.start(self._open)

    def ask(self, function: Callable[[], object]) -> None:
        """Have a function run on the hub."""
        self._asked.append(function)
        self._watcher.send()

    def close(self) -> None:
        self._watcher.close()

    def _open(self) -> None:
        while self._asked:
            gevent.spawn_raw(self._asked.popleft())


class Greenlets:
    """A hub for each scenario, which never suspends: what it waits for, it waits for in its greenlet."""

    def run(self, coroutine: Coroutine[Any, Any, None], /) -> None:
        try:
            scenario = gevent.spawn(_run, coroutine)
            scenario.join()
            scenario.get()
        finally:
            gevent.get_hub().destroy(destroy_loop=True)

    async def until(self, future: Future[None], timeout: float, /) -> None:
        door, done = Door(), gevent.event.Event()
        future.add_done_callback(lambda _: door.ask(done.set))
        done.wait(timeout)
        door.close()
        future.result(0)

    async def aside(self, function: Callable[[], object], /) -> None:
        gevent.get_hub().threadpool.apply(function)

    async def pause(self, seconds: float, /) -> None:
        gevent.sleep(max(seconds, 0.001))  # at 0 the hub runs what is ready alone, for milliseconds on end

    async def given(self, waiting: Any, /) -> bool:
        assert isinstance(waiting, bool)
        return waiting

    def others(self) -> list[object]:
        mine = (gevent.getcurrent(), gevent.get_hub())
        living = [each for each in gc.get_objects() if issubclass(type(each), greenlet.greenlet) and not each.dead]
        return [each for each in living if each not in mine and each.parent is gevent.get_hub()]


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise AssertionError("a scenario on greenlets suspended")


class GeventHub:
    """A hub in a thread of its own, which ends when nothing is on its way there any more, and is destroyed."""

    def __enter__(self) -> Self:
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run_until_left, args=(started,), name="habitat")
        self._thread.start()
        started.result(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._door.ask(self._left.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the hub does not end"

    def call(self, function: Callable[[], T], /) -> T:
        called: Future[T] = Future()
        self._door.ask(partial(_call, function, called))
        return called.result(PATIENCE)

    def outcome(self, wait: Callable[[], Any], /) -> bool:
        return bool(self.call(wait))

    def _run_until_left(self, started: Future[None]) -> None:
        self._door, self._left = Door(), gevent.event.Event()
        started.set_result(None)
        self._left.wait()
        self._door.close()
        gevent.get_hub().join(PATIENCE)
        gevent.get_hub().destroy()


def _call(function: Callable[[], T], called: Future[T]) -> None:
    try:
        called.set_result(function())
    except BaseException as error:
        called.set_exception(error)


STYLES = [Style("gevent", GeventTransport, Greenlets(), GeventHub)]
