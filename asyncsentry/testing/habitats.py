"""Where a style of concurrency lives, so that one suite can drive transports of every style."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")

PATIENCE: Final = 20.0
"""Seconds after which what still waits has found a bug."""


class Habitat(Protocol):
    """A loop, a hub, a reactor that runs while it is entered; it may be entered again after it was left."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def call(self, function: Callable[[], T], /) -> T:
        """Call ``function`` where the style's programs run, while it goes on running; give what it returns."""
        ...

    def outcome(self, wait: Callable[[], Any], /) -> bool:
        """Call ``wait`` there, and wait in the style's way for what it gives."""
        ...


class CallingThread:
    """For styles that need no loop: everything is called right here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, function: Callable[[], T], /) -> T:
        return function()

    def outcome(self, wait: Callable[[], Any], /) -> bool:
        return bool(wait())


class AsyncioLoop:
    """A loop in a thread of its own, run and ended as ``asyncio.run`` does it."""

    def __init__(self, run: Callable[[Any], Any] = asyncio.run) -> None:
        self._run = run
        self._left: asyncio.Event

    def __enter__(self) -> Self:
        started: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=self._run_until_left, args=(started,), name="habitat")
        self._thread.start()
        self._loop = started.result(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._left.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the loop does not end"

    def call(self, function: Callable[[], T], /) -> T:
        async def on_loop() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(PATIENCE)

    def outcome(self, wait: Callable[[], Awaitable[bool]], /) -> bool:
        async def on_loop() -> bool:
            return await wait()

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(PATIENCE)

    def _run_until_left(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        async def live() -> None:
            self._left = asyncio.Event()
            started.set_result(asyncio.get_running_loop())
            await self._left.wait()

        self._run(live())
