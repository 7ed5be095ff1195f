"""The default: each turn goes to the asyncio loop that runs in the capturing thread, else to a thread.

On AWS Lambda, Cloud Functions and App Engine, which freeze a program as soon as it has answered, all is sent before the
capture returns.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from typing import Any

from asyncsentry.transport.protocol import Factory, Request, Settle, Transport, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._waiting import Waiting

_FREEZING = ("AWS_LAMBDA_FUNCTION_NAME", "FUNCTION_TARGET", "GAE_ENV")
"""Variables that AWS Lambda, Google's Cloud Functions and App Engine's standard environment set."""


_PATIENCE = 2.0
"""Seconds beyond its time-out that a close is awaited: a thread in a name look-up may take one to be given up on."""


class AutoTransport:
    """Finds the style for each turn; the turn's sends follow it.

    What a turn may need is loaded at set-up, and not in a capture: a child of a fork in the midst of another thread's
    import would wait for that import for ever. Only asyncio, where nobody has it yet, is worth the risk.
    """

    def __init__(self, settings: Settings, *, environ: Mapping[str, str] = os.environ) -> None:
        """Raises `SetupError` for TLS files that cannot be used."""
        self._settings = replace(settings, ssl_context=TlsContext(settings).made)
        self._freezes = any(environ.get(name) for name in _FREEZING)
        self._make_elsewhere = _urllib() if self._freezes else _threaded()
        if "asyncio" in sys.modules:
            _asyncio()
        self._styles: dict[str, Transport[Any]] = {}
        self._closed = False

    def later(self, delay: float, turn: Turn, /) -> bool:
        """Run the turn on this thread's loop; where none runs, or it is ending, in the thread."""
        if self._closed:
            return False
        if self._belongs_on_loop() and self._on_loops().later(delay, turn):
            return True
        return self._elsewhere().later(delay, turn)

    def send(self, request: Request, settle: Settle, /) -> None:
        """Send in the style that the turn runs in."""
        sender = self._on_loops() if self._belongs_on_loop() else self._elsewhere()
        sender.send(request, settle)

    def wait(self, idle: Future[None], timeout: float, /) -> Awaitable[bool]:
        """Wait on a loop; blocking code has the client's ``flush``."""
        waiting: Awaitable[bool] = self._on_loops().wait(idle, timeout)
        return waiting

    def close(self, idle: Future[None], timeout: float, /) -> Awaitable[bool]:
        """Wait, then end the thread and what lives on the loops; blocking, where no loop runs in this thread."""
        if not _on_loop():
            done = self._end_elsewhere(idle, timeout)
            if "asyncio" in self._styles:
                self._on_loops().close(idle, 0.0)
            return Waiting(partial(_give, done))
        idle.add_done_callback(self._shut)
        waiting = self._on_loops().close(idle, timeout)
        return Waiting(partial(self._close, waiting, self._end_aside(idle, timeout), timeout))

    async def _close(self, waiting: Awaitable[bool], aside: _Aside | None, timeout: float) -> bool:
        done = await waiting
        if aside is not None and await self._on_loops().wait(aside.ended, timeout + _PATIENCE):
            aside.leave()
            done = done and aside.gave  # who comes to the end first settles what the other waits for
        return done

    def _end_aside(self, idle: Future[None], timeout: float) -> _Aside | None:
        """The same where a loop runs, which must not wait, and may end before its time has come; None if it is done."""
        if (timeout <= 0 or idle.done()) and self._styles.keys() <= {"asyncio"}:
            self._closed = True
            return None
        try:
            return _Aside(partial(self._end_elsewhere, idle, timeout))
        except RuntimeError:  # Python itself ends, and starts no thread any more
            self._end_elsewhere(idle, 0.0)
            return None

    def _shut(self, _: Future[None]) -> None:
        self._closed = True

    def _end_elsewhere(self, idle: Future[None], timeout: float) -> bool:
        """Wait, blocking, then end what does not live on loops."""
        done = bool(wait([idle], timeout).done)
        self._closed = True
        for name in self._styles.keys() - {"asyncio"}:
            self._styles[name].close(idle, 0.0)
        return done

    def _belongs_on_loop(self) -> bool:
        return not self._freezes and _on_loop()

    def _on_loops(self) -> Transport[Any]:
        return self._styles.get("asyncio") or self._styles.setdefault("asyncio", _asyncio()(self._settings))

    def _elsewhere(self) -> Transport[Any]:
        return self._styles.get("elsewhere") or self._styles.setdefault(
            "elsewhere", self._make_elsewhere(self._settings)
        )


class _Aside:
    """Something that blocks, in a thread of its own."""

    def __init__(self, work: Callable[[], bool]) -> None:
        """Raises `RuntimeError` if no thread can be started."""
        self.ended: Future[None] = Future()
        self.gave = False
        self._work = work
        self._thread = threading.Thread(target=self._run, name="asyncsentry-aside", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Once the work has ended, the thread has a few steps left to do; wait for them."""
        self._thread.join()

    def _run(self) -> None:
        self.gave = self._work()
        self.ended.set_result(None)


async def _give(done: bool) -> bool:
    return done


def _on_loop() -> bool:
    """Whether a loop runs in this thread; asyncio is not imported to find out."""
    running = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)  # it may be in the midst of its import
    return running is not None and running() is not None


def _asyncio() -> Factory[Awaitable[bool]]:
    from asyncsentry_transports.asyncio import AsyncioTransport

    return AsyncioTransport


def _urllib() -> Factory[bool]:
    from asyncsentry_transports.urllib import UrllibTransport

    return UrllibTransport


def _threaded() -> Factory[bool]:
    from asyncsentry_transports.threaded import ThreadedTransport

    return ThreadedTransport
