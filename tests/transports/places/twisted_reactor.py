"""The style that lives on Twisted's reactor: here the one that the platform has by default."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from asyncsentry.testing.habitats import PATIENCE
from asyncsentry_transports.twisted import TwistedTransport
from transports.style import Style

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")

# Any: for checkers it is a module, which Twisted puts a reactor in the place of.
reactor: Any = installed

_AT_REST = reactor.getReaders()
"""What the reactor always reads: that which wakes it up."""


def _end() -> None:
    """End this life of the reactor as `stop` would, thread pool included; but `stop` would allow no other."""
    reactor.addSystemEventTrigger("after", "shutdown", _leave)
    reactor.fireSystemEvent("shutdown")


def _leave() -> None:
    if reactor.running:  # the first time, Twisted's own triggers have done it
        reactor.callLater(0, reactor.crash)  # when the connections that are just being closed have gone


class OnReactor:
    """A life of the reactor for each scenario, in this thread."""

    def run(self, coroutine: Coroutine[Any, Any, None], /) -> None:
        outcome: Future[None] = Future()

        async def live() -> None:
            try:
                await coroutine
                outcome.set_result(None)
            except BaseException as error:
                outcome.set_exception(error)
            finally:
                _end()

        reactor.callWhenRunning(ensureDeferred, live())
        reactor.run(installSignalHandlers=False)
        outcome.result(0)

    async def until(self, future: Future[None], timeout: float, /) -> None:
        woken: Deferred[None] = Deferred()
        future.add_done_callback(lambda _: reactor.callFromThread(woken.callback, None))
        await woken.addTimeout(timeout, reactor)

    async def aside(self, function: Callable[[], object], /) -> None:
        await deferToThread(function)

    async def pause(self, seconds: float, /) -> None:
        await deferLater(reactor, seconds)

    async def given(self, waiting: Any, /) -> bool:
        return bool(await waiting)

    def others(self) -> list[object]:
        return [
            *reactor.getDelayedCalls(),
            *(reader for reader in reactor.getReaders() if reader not in _AT_REST),
            *reactor.getWriters(),
        ]


class Reactor:
    """A life of the reactor in a thread of its own."""

    def __enter__(self) -> Self:
        started: Future[None] = Future()
        reactor.callWhenRunning(started.set_result, None)
        self._thread = threading.Thread(target=reactor.run, kwargs={"installSignalHandlers": False}, name="habitat")
        self._thread.start()
        started.result(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        reactor.callFromThread(_end)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the reactor does not end"

    def call(self, function: Callable[[], T], /) -> T:
        async def called() -> T:
            return function()

        return self._on_reactor(called())

    def outcome(self, wait: Callable[[], Deferred[bool]], /) -> bool:
        async def waited() -> bool:
            return await wait()

        return self._on_reactor(waited())

    def _on_reactor(self, coroutine: Coroutine[Any, Any, T]) -> T:
        outcome: Future[T] = Future()

        async def live() -> None:
            try:
                outcome.set_result(await coroutine)
            except BaseException as error:
                outcome.set_exception(error)

        reactor.callFromThread(ensureDeferred, live())
        return outcome.result(PATIENCE)


STYLES = [Style("twisted", TwistedTransport, OnReactor(), Reactor)]
