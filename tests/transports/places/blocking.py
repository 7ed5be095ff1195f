"""Styles that block: what they wait for, they wait for in this thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from asyncsentry.testing.habitats import CallingThread
from asyncsentry_transports.auto import AutoTransport
from asyncsentry_transports.threaded import ThreadedTransport
from asyncsentry_transports.urllib import UrllibTransport
from transports.style import Style


class ThisThread:
    """No loop: a scenario never suspends."""

    def run(self, coroutine: Coroutine[Any, Any, None], /) -> None:
        try:
            coroutine.send(None)
        except StopIteration:
            return
        coroutine.close()
        raise AssertionError("a blocking style suspended")

    async def until(self, future: Future[None], timeout: float, /) -> None:
        future.result(timeout)

    async def aside(self, function: Callable[[], object], /) -> None:
        function()

    async def pause(self, seconds: float, /) -> None:
        time.sleep(seconds)

    async def given(self, waiting: Any, /) -> bool:
        return waiting if isinstance(waiting, bool) else asyncio.run(_wait_for(waiting))

    def others(self) -> list[object]:
        return []


class NoLoop(CallingThread):
    """For a style that knows loops and is used without one, until somebody waits."""

    def outcome(self, wait: Callable[[], Any], /) -> bool:
        return asyncio.run(_wait_for(wait()))


async def _wait_for(waiting: Awaitable[bool]) -> bool:
    return bool(await waiting)


def _styles() -> list[Style]:
    """Those whose libraries are installed."""
    styles = [
        Style("urllib", UrllibTransport, ThisThread(), CallingThread, on_loop=False, in_place=True),
        Style("threaded", ThreadedTransport, ThisThread(), CallingThread, on_loop=False),
        Style("auto-without-a-loop", AutoTransport, ThisThread(), NoLoop, on_loop=False),
    ]
    if find_spec("requests"):
        make = import_module("asyncsentry_transports.requests").RequestsTransport
        in_a_thread = import_module("asyncsentry_transports.threaded_requests").ThreadedRequestsTransport
        styles.append(Style("requests", make, ThisThread(), CallingThread, on_loop=False, in_place=True))
        styles.append(Style("threaded-requests", in_a_thread, ThisThread(), CallingThread, on_loop=False))
    return styles


STYLES = _styles()
