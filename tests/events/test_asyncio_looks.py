"""What asyncio makes is shown without what it holds: that may be a query, or a table of a million rows."""

from __future__ import annotations

import asyncio
import asyncio.futures
import asyncio.tasks
import gc
from collections.abc import Coroutine, Generator
from typing import Any

import pytest

from asyncsentry.events.freezing import Freezer
from asyncsentry.events.rules import Rules


class Query:
    """Asks a database when it is looked at."""

    def __repr__(self) -> str:
        raise AssertionError("evaluated")


def shown(value: object) -> Any:
    return Freezer(Rules(), float, float).freeze(value)


@pytest.mark.parametrize("kind", [asyncio.Future, asyncio.futures._PyFuture], ids=["c", "python"])  # type: ignore[attr-defined]  # for tests
def test_a_future_tells_of_what_type_its_result_is(kind: Any) -> None:
    loop = asyncio.new_event_loop()
    name = f"{kind.__module__}.Future"
    future, failed, cancelled = (kind(loop=loop) for _ in range(3))
    assert shown(future) == f"<{name} pending>"
    future.set_result(Query())
    failed.set_exception(ValueError(Query()))
    cancelled.cancel()
    assert shown(future) == f"<{name} finished result=<{__name__}.Query>>"
    assert shown(failed) == f"<{name} finished exception=<ValueError>>"
    assert shown(cancelled) == f"<{name} cancelled>"
    assert isinstance(failed.exception(), ValueError)
    loop.close()


@pytest.mark.parametrize("kind", [asyncio.Task, asyncio.tasks._PyTask], ids=["c", "python"])  # type: ignore[attr-defined]  # for tests
def test_a_task_tells_what_it_runs_and_where_it_is(kind: Any) -> None:
    async def work() -> Query:
        await asyncio.sleep(0)
        return Query()

    async def main() -> None:
        task = kind(work(), loop=asyncio.get_running_loop(), name="my work")
        await asyncio.sleep(0)
        line = work.__code__.co_firstlineno + 1
        run = f"<{work.__qualname__} in {__file__}:{line}>"
        assert shown(task) == f"<{kind.__module__}.Task 'my work' pending coro={run}>"
        await task
        run = f"<{work.__qualname__} in {__file__}>"
        result = f"<{__name__}.Query>"
        assert shown(task) == f"<{kind.__module__}.Task 'my work' finished result={result} coro={run}>"

    asyncio.run(main())


def test_a_task_that_runs_no_coroutine_of_the_interpreter_names_its_type() -> None:
    class Work(Coroutine[None, None, None]):
        def __await__(self) -> Generator[None, None, None]:
            yield

        def send(self, _value: None) -> None:
            raise StopIteration

        def throw(self, *_: object) -> None: ...

        def close(self) -> None: ...

    async def main() -> None:
        task = asyncio.Task(Work(), name="x")
        assert shown(task).endswith(f"pending coro=<{__name__}.{Work.__qualname__}>>")
        await task

    asyncio.run(main())


def test_asyncio_goes_on_to_complain_of_an_error_that_nobody_asked_for() -> None:
    complaints: list[Any] = []

    async def fail() -> None:
        raise ValueError

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context["message"]))
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        assert "exception=<ValueError>" in shown(task)
        del task
        gc.collect()

    asyncio.run(main())
    assert complaints == ["Task exception was never retrieved"]


def test_a_queue_is_shown_with_its_first_members() -> None:
    queue: asyncio.Queue[Any] = asyncio.PriorityQueue(maxsize=100)
    for number in range(12):
        queue.put_nowait(number)
    assert shown(queue) == {
        "__class__": "asyncio.queues.PriorityQueue",
        "maxsize": 100,
        "queue": [*range(10), "... 2 more"],
    }


def test_a_call_that_is_to_come_is_shown_like_a_partial() -> None:
    loop = asyncio.new_event_loop()
    handle = loop.call_later(100, print, {"password": "x"})
    assert shown(handle) == {
        "__class__": "asyncio.events.TimerHandle",
        "callback": "<built-in function print>",
        "args": [{"password": "[Filtered]"}],
    }
    loop.close()
