"""Which work something is known about: in real programs of tasks, threads, callbacks and generators."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from asyncsentry.scopes import Scopes

Main = Callable[[Scopes], Coroutine[Any, Any, Any]]


@pytest.fixture
def scopes() -> Scopes:
    return Scopes()


def tags(scopes: Scopes) -> dict[str, Any]:
    """The tags that an event made here would have."""
    return scopes.known().tags


def tag(scopes: Scopes, **more: Any) -> None:
    scopes.isolation().set_tags(more)


def in_thread(run: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


# Siblings never mix, where nobody opened a scope


async def sibling(scopes: Scopes, name: str, *, steps: int = 3) -> dict[str, Any]:
    for step in range(steps):
        tag(scopes, **{name: step})
        await asyncio.sleep(0)
    return tags(scopes)


async def gathered(scopes: Scopes) -> list[dict[str, Any]]:
    return list(await asyncio.gather(sibling(scopes, "a"), sibling(scopes, "b")))


async def as_tasks(scopes: Scopes) -> list[dict[str, Any]]:
    tasks = [asyncio.create_task(sibling(scopes, name)) for name in "ab"]
    return [await task for task in tasks]


async def waited_for(scopes: Scopes) -> list[dict[str, Any]]:
    found = [asyncio.create_task(asyncio.wait_for(sibling(scopes, name), 10)) for name in "ab"]
    return [await task for task in found]


async def in_a_task_group(scopes: Scopes) -> list[dict[str, Any]]:
    group: Any = asyncio.__dict__["TaskGroup"]
    async with group() as tasks:
        found = [tasks.create_task(sibling(scopes, name)) for name in "ab"]
    return [task.result() for task in found]


async def in_eager_tasks(scopes: Scopes) -> list[dict[str, Any]]:
    asyncio.get_running_loop().set_task_factory(asyncio.__dict__["eager_task_factory"])
    return await as_tasks(scopes)


async def in_threads(scopes: Scopes) -> list[dict[str, Any]]:
    def work(name: str) -> dict[str, Any]:
        tag(scopes, **{name: 2})
        return tags(scopes)

    return list(await asyncio.gather(*(asyncio.to_thread(work, name) for name in "ab")))


async def in_callbacks(scopes: Scopes) -> list[dict[str, Any]]:
    found: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def work(name: str) -> None:
        for step in range(3):
            tag(scopes, **{name: step})
        found.put_nowait(tags(scopes))

    for name in "ab":
        asyncio.get_running_loop().call_soon(work, name)
    return [await found.get(), await found.get()]


WAYS = [gathered, as_tasks, waited_for, in_threads, in_callbacks]
WAYS += [in_a_task_group] if sys.version_info >= (3, 11) else []
WAYS += [in_eager_tasks] if sys.version_info >= (3, 12) else []


@pytest.mark.parametrize("parent_writes", [False, True])
@pytest.mark.parametrize("start", WAYS, ids=lambda way: way.__name__)
def test_what_siblings_write_stays_apart_and_away_from_their_parent(
    scopes: Scopes, start: Main, parent_writes: bool
) -> None:
    inherited = {"main": 1} if parent_writes else {}

    async def main() -> None:
        tag(scopes, **inherited) if parent_writes else None
        assert await start(scopes) == [{**inherited, "a": 2}, {**inherited, "b": 2}]
        assert tags(scopes) == inherited

    asyncio.run(main())


def test_what_was_written_before_the_loop_is_known_on_it_and_not_changed_by_it(scopes: Scopes) -> None:
    def program() -> None:
        tag(scopes, before=1)
        asyncio.run(gathered(scopes))
        for _ in range(2):
            assert asyncio.run(sibling(scopes, "a")) == {"before": 1, "a": 2}
            assert asyncio.run(in_callbacks(scopes)) == [{"before": 1, "a": 2}, {"before": 1, "b": 2}]
        assert tags(scopes) == {"before": 1}

    contextvars.Context().run(program)


def test_each_thread_has_its_own_also_with_a_loop_in_each(scopes: Scopes) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda name: asyncio.run(sibling(scopes, name, steps=20)), "abcd"))
    assert found == [{name: 19} for name in "abcd"]
    in_thread(lambda: tag(scopes, gone=1))
    assert "gone" not in tags(scopes)


def test_an_executor_of_a_loop_carries_no_context(scopes: Scopes) -> None:
    async def main() -> dict[str, Any]:
        tag(scopes, main=1)
        found: dict[str, Any] = await asyncio.get_running_loop().run_in_executor(None, tags, scopes)
        return found

    assert asyncio.run(main()) == {}


def test_the_same_task_writes_to_one_scope(scopes: Scopes) -> None:
    async def main() -> None:
        first = scopes.isolation()
        await asyncio.sleep(0)
        assert scopes.isolation() is first
        assert scopes.current() is first

    asyncio.run(main())


def test_scopes_of_two_clients_share_nothing(scopes: Scopes) -> None:
    others = Scopes()
    tag(scopes, a=1)
    scopes.global_scope.set_tag("b", 2)
    with scopes.isolation_scope() as one, others.isolation_scope() as other:
        one.set_tag("c", 3)
        assert tags(others) == {}
        assert one is not other


# A scope that somebody opened is shared by all that is started inside it


@pytest.mark.parametrize("start", WAYS, ids=lambda way: way.__name__)
def test_an_open_scope_is_shared_by_what_is_started_in_it(scopes: Scopes, start: Main) -> None:
    async def request(name: str) -> dict[str, Any]:
        with scopes.isolation_scope():
            tag(scopes, request=name)
            await start(scopes)
            return tags(scopes)

    async def main() -> None:
        found = await asyncio.gather(request("x"), request("y"))
        assert list(found) == [{"request": name, "a": 2, "b": 2} for name in "xy"]
        assert tags(scopes) == {}

    asyncio.run(main())


def test_new_scopes_part_siblings_in_a_request(scopes: Scopes) -> None:
    async def part(name: str) -> dict[str, Any]:
        with scopes.new_scope() as scope:
            scope.set_tag("part", name)
            await asyncio.sleep(0)
            assert scopes.current() is scope
            return tags(scopes)

    async def main() -> None:
        with scopes.isolation_scope() as request:
            request.set_tag("request", 1)
            found = await asyncio.gather(part("x"), part("y"))
            assert list(found) == [{"request": 1, "part": name} for name in "xy"]
            assert tags(scopes) == {"request": 1}

    asyncio.run(main())


def test_a_block_ends_what_was_set_in_it(scopes: Scopes) -> None:
    tag(scopes, outer=1)
    with scopes.new_scope() as scope:
        scope.set_tag("block", 1)
        with scopes.new_scope() as inner:
            assert inner.tags == {"block": 1}
            inner.set_tag("block", 2)
            assert tags(scopes) == {"outer": 1, "block": 2}
        assert tags(scopes) == {"outer": 1, "block": 1}
    assert tags(scopes) == {"outer": 1}


def test_an_isolation_scope_begins_with_what_is_known_and_is_a_trace_of_its_own(scopes: Scopes) -> None:
    tag(scopes, outer=1)
    scopes.isolation().last_event_id = "1"
    outer = scopes.known().trace
    with scopes.new_scope() as block:
        block.set_tag("block", 1)
        with scopes.isolation_scope() as inner:
            tag(scopes, inner=1)
            assert tags(scopes) == {"outer": 1, "block": 1, "inner": 1}
            assert scopes.known().trace == inner.trace != outer
            assert scopes.last_event_id() is None
        assert tags(scopes) == {"outer": 1, "block": 1}
    assert scopes.known().trace == outer
    assert scopes.last_event_id() == "1"


def test_a_block_is_left_also_by_an_error(scopes: Scopes) -> None:
    def fail() -> None:
        with scopes.isolation_scope(), scopes.new_scope() as scope:
            scope.set_tag("block", 1)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert tags(scopes) == {}


# A write after the scope has ended


def test_what_outlives_a_request_goes_on_with_a_copy(scopes: Scopes) -> None:
    async def background(done: asyncio.Event, name: str) -> dict[str, Any]:
        await done.wait()
        assert tags(scopes) == {"request": 1, "block": 1}
        tag(scopes, **{name: 1})
        scopes.current().set_tag("current", name)
        return tags(scopes)

    async def main() -> None:
        done = asyncio.Event()
        with scopes.isolation_scope() as request, scopes.new_scope() as block:
            request.set_tag("request", 1)
            block.set_tag("block", 1)
            late = [asyncio.create_task(background(done, name)) for name in "ab"]
            await asyncio.sleep(0)
        done.set()
        expected = [{"request": 1, "block": 1, name: 1, "current": name} for name in "ab"]
        assert [await task for task in late] == expected
        assert (request.tags, block.tags) == ({"request": 1}, {"block": 1})

    asyncio.run(main())


# Generators, and whoever else leaves in another context


def test_a_generator_that_ends_in_another_context_leaves_nothing_behind(scopes: Scopes) -> None:
    def generator() -> Iterator[None]:
        with scopes.isolation_scope() as isolation, scopes.new_scope() as block:
            isolation.set_tag("request", 1)
            block.set_tag("block", 1)
            yield

    def program() -> None:
        tag(scopes, outer=1)
        steps = generator()
        next(steps)
        assert tags(scopes) == {"outer": 1, "request": 1, "block": 1}
        assert contextvars.copy_context().run(next, steps, None) is None
        assert tags(scopes) == {"outer": 1}
        tag(scopes, more=1)
        assert tags(scopes) == {"outer": 1, "more": 1}

    contextvars.Context().run(program)


def test_generators_that_take_turns_leave_nothing_behind(scopes: Scopes) -> None:
    def generator(name: str) -> Iterator[None]:
        with scopes.new_scope() as scope:
            scope.set_tag(name, 1)
            yield

    def program() -> None:
        first, second = generator("first"), generator("second")
        next(first)
        next(second)
        assert next(first, None) is None
        assert tags(scopes) == {"first": 1, "second": 1}
        assert next(second, None) is None
        assert tags(scopes) == {}

    contextvars.Context().run(program)


def test_an_async_generator_may_be_closed_by_the_loop(scopes: Scopes) -> None:
    async def generator() -> AsyncIterator[None]:
        with scopes.isolation_scope():
            tag(scopes, block=1)
            yield

    async def main() -> None:
        async for _ in generator():
            break
        gc.collect()
        await asyncio.sleep(0.01)
        assert tags(scopes) == {}

    asyncio.run(main())


# What is in the midst of its import


@pytest.mark.parametrize("name", ["trio.lowlevel", "greenlet"])
def test_a_library_that_is_imported_halfway_is_not_asked(
    scopes: Scopes, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    with scopes.isolation_scope():
        tag(scopes, a=1)
        assert in_thread(lambda: tags(scopes)) == {}
        assert tags(scopes) == {"a": 1}


# What is known


def test_the_more_particular_level_wins(scopes: Scopes) -> None:
    scopes.global_scope.set_tags(dict.fromkeys("abc", "global"))
    scopes.isolation().set_tags(dict.fromkeys("bc", "isolation"))
    with scopes.new_scope() as block:
        block.set_tag("c", "block")
        assert tags(scopes) == {"a": "global", "b": "isolation", "c": "block"}


def test_a_task_is_one_trace_from_its_first_event_on(scopes: Scopes) -> None:
    async def work() -> Any:
        trace = scopes.known().trace
        tag(scopes, a=1)
        await asyncio.sleep(0)
        assert scopes.known().trace == trace
        return trace

    async def main() -> None:
        first, second = await asyncio.gather(work(), work())
        assert first is not None
        assert first != second

    asyncio.run(main())


def test_what_a_failed_task_knew_can_be_had_by_its_error(scopes: Scopes) -> None:
    async def inner(error: Exception) -> None:
        tag(scopes, inner=1)
        raise error

    async def main(error: Exception) -> None:
        tag(scopes, main=1)
        task = asyncio.create_task(inner(error))
        await task

    error, other = KeyError(), KeyError()
    with pytest.raises(KeyError) as caught:
        asyncio.run(main(error))
    assert scopes.known(caught.value).tags == {"main": 1, "inner": 1}
    assert scopes.known(other).tags == {}
    assert scopes.known().tags == {}


def test_what_a_task_knew_is_forgotten_with_it(scopes: Scopes) -> None:
    async def main(error: Exception) -> None:
        tag(scopes, main=1)
        raise error

    error = KeyError()
    with pytest.raises(KeyError):
        asyncio.run(main(error))
    error.__traceback__ = None
    gc.collect()
    assert scopes.known(error).tags == {}


def test_the_last_event_belongs_to_the_work(scopes: Scopes) -> None:
    assert scopes.last_event_id() is None

    async def work(name: str) -> str | None:
        scopes.isolation().last_event_id = name
        await asyncio.sleep(0)
        return scopes.last_event_id()

    async def main() -> None:
        assert list(await asyncio.gather(work("a"), work("b"))) == ["a", "b"]
        assert scopes.last_event_id() is None

    asyncio.run(main())


def test_threads_may_write_to_one_open_scope_at_once(scopes: Scopes) -> None:
    async def main() -> dict[str, Any]:
        with scopes.isolation_scope():
            started = threading.Barrier(4)

            def work(name: str) -> None:
                started.wait(10)
                for number in range(200):
                    tag(scopes, **{f"{name}{number}": 1})
                    tags(scopes)

            await asyncio.gather(*(asyncio.to_thread(work, name) for name in "abcd"))
            return tags(scopes)

    assert len(asyncio.run(main())) == 800
