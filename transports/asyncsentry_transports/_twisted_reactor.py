"""The reactor as the Twisted transport knows it, and waiting on it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Protocol, cast

from twisted.internet.defer import Deferred, succeed
from twisted.python.threadpool import ThreadPool


class DelayedCall(Protocol):
    """What a reactor gives for a call that is to come."""

    def active(self) -> bool: ...
    def cancel(self) -> object: ...


class Reactor(Protocol):
    """What is asked of a reactor; Twisted's own interfaces say this to zope's checker alone."""

    @property
    def running(self) -> bool: ...
    def callFromThread(self, function: Callable[..., object], /, *arguments: object) -> object: ...
    def callLater(self, delay: float, function: Callable[..., object], /, *arguments: object) -> DelayedCall: ...
    # Any: a trigger is what the reactor says it is, and for it alone.
    def addSystemEventTrigger(self, phase: str, event: str, function: Callable[..., object], /) -> Any: ...
    def removeSystemEventTrigger(self, trigger: Any, /) -> object: ...
    def getThreadPool(self) -> ThreadPool: ...


def installed_reactor() -> Reactor | None:
    """The reactor that the program has; it is not imported to find out, which would install one."""
    reactor = sys.modules.get("twisted.internet.reactor")
    # While Twisted installs its default one, there is a module under this name.
    return cast("Reactor", reactor) if hasattr(reactor, "callFromThread") else None


class Waiting:
    """Waits on a reactor for a future of no reactor, and never cancels it."""

    def __init__(
        self, reactor: Reactor, idle: Future[None], timeout: float, then: Callable[[bool], Deferred[bool]] = succeed
    ) -> None:
        """``then`` is called on the reactor with whether ``idle`` is done, and gives what is told."""
        # Cancelled, it gives what there is: so it never fails, and may be dropped.
        self.deferred: Deferred[bool] = Deferred[bool](lambda _: self._end()).addCallback(then)
        self._reactor = reactor
        self._idle = idle
        self._timeout = timeout
        self._alarm: DelayedCall | None = None
        self._over = False
        self._call(self._begin)

    def _begin(self) -> None:
        if not self._over:
            self._alarm = self._reactor.callLater(self._timeout, self._end)
            self._idle.add_done_callback(lambda _: self._call(self._end))

    def _end(self) -> None:
        if self._over:
            return
        self._over = True
        if self._alarm is not None and self._alarm.active():
            self._alarm.cancel()
        self.deferred.callback(self._idle.done())

    def _call(self, function: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the asyncio loop below the reactor was closed
            self._reactor.callFromThread(function)
