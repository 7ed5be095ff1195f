"""What a library does on our behalf is not the loop's to cancel or to close, nor the application's to see."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncGenerator, Coroutine
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from asyncsentry_transports._apart import start_apart


@pytest.fixture(params=["asyncio", *(["uvloop"] if find_spec("uvloop") else [])])
def loop(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoop:
    made: asyncio.AbstractEventLoop = import_module(request.param).new_event_loop()
    return made


class Library:
    """Begins a task for its work, as libraries do, which begins another, and is cancelled by nobody."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def work(self) -> str:
        return await asyncio.ensure_future(self._nested(self._last()))

    async def _nested(self, last: Coroutine[Any, Any, str]) -> str:
        return await asyncio.ensure_future(last)

    async def _last(self) -> str:
        await self.go_on.wait()
        return "done"


def test_no_task_of_its_work_is_among_those_of_the_loop(loop: asyncio.AbstractEventLoop) -> None:
    async def main() -> None:
        library, started = Library(), list[asyncio.Task[Any]]()
        task = start_apart(asyncio.get_running_loop(), library.work(), started.append)
        for _ in range(5):
            assert asyncio.all_tasks() == {asyncio.current_task()}
            await asyncio.sleep(0)
        library.go_on.set()
        assert await task == "done"
        assert len(started) == 3

    loop.run_until_complete(main())
    loop.close()


def test_a_cancellation_goes_through_to_what_awaits(loop: asyncio.AbstractEventLoop) -> None:
    async def main() -> None:
        library, started = Library(), list[asyncio.Task[Any]]()
        task = start_apart(asyncio.get_running_loop(), library.work(), started.append)
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert all(each.cancelled() for each in started)

    loop.run_until_complete(main())
    loop.close()


def test_a_task_that_is_cancelled_before_its_first_step_leaves_nothing_unawaited(
    loop: asyncio.AbstractEventLoop,
) -> None:
    async def main() -> None:
        task = start_apart(asyncio.get_running_loop(), Library().work(), lambda _: None)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    loop.run_until_complete(main())
    loop.close()
    gc.collect()


def test_its_generators_outlive_the_loops_last_act_without_a_warning(loop: asyncio.AbstractEventLoop) -> None:
    async def numbers() -> AsyncGenerator[int, None]:
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    async def work() -> list[int]:
        return [number async for number in numbers()]

    async def close() -> None:
        early = start_apart(loop, work(), lambda _: None)
        await asyncio.sleep(0)
        await loop.shutdown_asyncgens()
        late = start_apart(loop, work(), lambda _: None)
        assert await early == await late == [0, 1, 2]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loop.run_until_complete(close())
    loop.close()


def test_the_applications_task_factory_is_left_alone(loop: asyncio.AbstractEventLoop) -> None:
    made: list[object] = []

    def factory(loop: asyncio.AbstractEventLoop, work: Any, **arguments: Any) -> asyncio.Task[Any]:
        made.append(work)
        return asyncio.Task(work, loop=loop, **arguments)

    async def main() -> None:
        loop.set_task_factory(factory)
        library = Library()
        task = start_apart(loop, library.work(), lambda _: None)
        for _ in range(5):
            await asyncio.sleep(0)
            assert loop.get_task_factory() is factory
        library.go_on.set()
        await task
        assert made == []
        await asyncio.ensure_future(asyncio.sleep(0))
        assert len(made) == 1

    loop.run_until_complete(main())
    loop.close()
