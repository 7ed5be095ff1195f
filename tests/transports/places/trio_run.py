"""Styles that live in trio's runs: on their own, and as guests of another loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import trio
from outcome import Outcome

from asyncsentry.testing.habitats import PATIENCE
from asyncsentry_transports.trio import TrioTransport
from transports.style import Style

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")

Main: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
Runner: TypeAlias = Callable[[Main], None]


def run_alone(main: Main) -> None:
    trio.run(main)


def run_as_guest(main: Main) -> None:
    """Run trio in a loop of asyncio's, which goes on beside it."""

    async def host() -> Outcome[None]:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Outcome[None]] = loop.create_future()
        trio.lowlevel.start_guest_run(
            main, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=ended.set_result
        )
        return await ended

    asyncio.run(host()).unwrap()


class Run:
    """A run of trio for each scenario."""

    def __init__(self, run: Runner) -> None:
        self._run = run
        self._at_rest: set[trio.lowlevel.Task] = set()

    def run(self, coroutine: Coroutine[Any, Any, None], /) -> None:
        async def main() -> None:
            self._at_rest = tasks()
            await coroutine

        self._run(main)

    async def until(self, future: Future[None], timeout: float, /) -> None:
        token, done = trio.lowlevel.current_trio_token(), trio.Event()
        future.add_done_callback(lambda _: token.run_sync_soon(done.set))
        with trio.fail_after(timeout):
            await done.wait()

    async def aside(self, function: Callable[[], object], /) -> None:
        await trio.to_thread.run_sync(function)

    async def pause(self, seconds: float, /) -> None:
        await trio.sleep(seconds)

    async def given(self, waiting: Any, /) -> bool:
        return bool(await waiting)

    def others(self) -> list[object]:
        return list(tasks() - self._at_rest)


def tasks() -> set[trio.lowlevel.Task]:
    """Those of the run in this thread, trio's own included."""
    root = trio.lowlevel.current_root_task()
    assert root is not None
    found, unseen = set[trio.lowlevel.Task](), [root]
    while unseen:
        task = unseen.pop()
        found.add(task)
        unseen.extend(child for nursery in task.child_nurseries for child in nursery.child_tasks)
    return found


class TrioRun:
    """A run of trio in a thread of its own, until it is left."""

    def __init__(self, run: Runner = run_alone) -> None:
        self._run = run
        self._token: trio.lowlevel.TrioToken
        self._left: trio.Event

    def __enter__(self) -> Self:
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run_until_left, args=(started,), name="habitat")
        self._thread.start()
        started.result(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._token.run_sync_soon(self._left.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the run does not end"

    def call(self, function: Callable[[], T], /) -> T:
        return trio.from_thread.run_sync(function, trio_token=self._token)

    def outcome(self, wait: Callable[[], Awaitable[bool]], /) -> bool:
        async def waited() -> bool:
            return await wait()

        return trio.from_thread.run(waited, trio_token=self._token)

    def _run_until_left(self, started: Future[None]) -> None:
        async def live() -> None:
            self._token, self._left = trio.lowlevel.current_trio_token(), trio.Event()
            started.set_result(None)
            await self._left.wait()

        self._run(live)


STYLES = [
    Style("trio", TrioTransport, Run(run_alone), TrioRun),
    Style("trio-guest", TrioTransport, Run(run_as_guest), partial(TrioRun, run_as_guest)),
]
