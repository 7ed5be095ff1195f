"""The five rules of scopes, in every style in which programs are at several things at once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import greenlet
import pytest
import trio

from asyncsentry.scopes import Scopes

Tags = dict[str, Any]
Work = Callable[[str], Tags]
Pause = Callable[[], Awaitable[None]]
Main = Callable[[], Coroutine[Any, Any, None]]


async def sibling(work: Work, name: str, pause: Pause) -> Tags:
    """Two pieces of work, with the other's in between."""
    work(name)
    await pause()
    return work(name)


def asyncio_pause() -> Coroutine[Any, Any, None]:
    return asyncio.sleep(0)


async def gather(work: Work) -> list[Tags]:
    return list(await asyncio.gather(*(sibling(work, name, asyncio_pause) for name in "ab")))


async def wait_for(work: Work) -> list[Tags]:
    tasks = [asyncio.create_task(asyncio.wait_for(sibling(work, name, asyncio_pause), 10)) for name in "ab"]
    return [await task for task in tasks]


async def taskgroup(work: Work) -> list[Tags]:
    group: Any = asyncio.__dict__["TaskGroup"]
    async with group() as tasks:
        found = [tasks.create_task(sibling(work, name, asyncio_pause)) for name in "ab"]
    return [task.result() for task in found]


async def to_thread(work: Work) -> list[Tags]:
    return [await asyncio.to_thread(work, name) for name in "ab"]


async def trio_pause() -> None:
    await trio.sleep(0)


async def nursery(work: Work) -> list[Tags]:
    found: dict[str, Tags] = {}

    async def run(name: str) -> None:
        found[name] = await sibling(work, name, trio_pause)

    async with trio.open_nursery() as tasks:
        for name in "ab":
            tasks.start_soon(run, name)
    return [found[name] for name in "ab"]


async def trio_thread(work: Work) -> list[Tags]:
    return [await trio.to_thread.run_sync(work, name) for name in "ab"]


async def anyio_pause() -> None:
    await anyio.sleep(0)


async def anyio_group(work: Work) -> list[Tags]:
    found: dict[str, Tags] = {}

    async def run(name: str) -> None:
        found[name] = await sibling(work, name, anyio_pause)

    async with anyio.create_task_group() as tasks:
        for name in "ab":
            tasks.start_soon(run, name)
    return [found[name] for name in "ab"]


async def anyio_thread(work: Work) -> list[Tags]:
    return [await anyio.to_thread.run_sync(work, name) for name in "ab"]


async def greenlets(work: Work) -> list[Tags]:
    """Greenlets that were given the context, as an integration gives it. There is no loop: nothing is awaited."""
    found: dict[str, Tags] = {}

    def run(name: str) -> None:
        work(name)
        main.switch()
        found[name] = work(name)

    main = greenlet.getcurrent()
    both = [greenlet.greenlet(partial(run, name)) for name in "ab"]
    for each in both:
        each.gr_context = copy_context()
    for each in (*both, *both):
        each.switch()
    return [found[name] for name in "ab"]


def run_without_a_loop(main: Main) -> None:
    with pytest.raises(StopIteration):
        main().send(None)


@dataclass(frozen=True, slots=True)
class Style:
    """How a program is run, and how it does two things at once."""

    run: Callable[[Main], None]
    both: Callable[[Work], Awaitable[list[Tags]]]


def on_asyncio(main: Main) -> None:
    asyncio.run(main())


def on_anyio(backend: str) -> Callable[[Main], None]:
    return lambda main: anyio.run(main, backend=backend)


def as_a_guest(main: Main) -> None:
    """trio on a loop of asyncio's."""

    async def host() -> None:
        ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        soon = asyncio.get_running_loop().call_soon_threadsafe
        trio.lowlevel.start_guest_run(main, run_sync_soon_threadsafe=soon, done_callback=ended.set_result)
        (await ended).unwrap()

    asyncio.run(host())


STYLES = {
    "gather": Style(on_asyncio, gather),
    "wait_for": Style(on_asyncio, wait_for),
    **({"TaskGroup": Style(on_asyncio, taskgroup)} if sys.version_info >= (3, 11) else {}),
    "to_thread": Style(on_asyncio, to_thread),
    "nursery": Style(trio.run, nursery),
    "nursery-as-guest": Style(as_a_guest, nursery),
    "trio.to_thread": Style(trio.run, trio_thread),
    "anyio-asyncio": Style(on_anyio("asyncio"), anyio_group),
    "anyio-trio": Style(on_anyio("trio"), anyio_group),
    "anyio.to_thread-asyncio": Style(on_anyio("asyncio"), anyio_thread),
    "anyio.to_thread-trio": Style(on_anyio("trio"), anyio_thread),
    "greenlets": Style(run_without_a_loop, greenlets),
}


@pytest.fixture(params=STYLES)
def style(request: pytest.FixtureRequest) -> Style:
    return STYLES[request.param]


@pytest.fixture
def scopes() -> Scopes:
    return Scopes()


def tags(scopes: Scopes) -> Tags:
    """The tags that an event made here would have."""
    return scopes.known().tags


def write(scopes: Scopes, name: str) -> Tags:
    """Know one thing more, and tell all that is known then."""
    scopes.isolation().set_tag(name, 1)
    return tags(scopes)


def run(style: Style, main: Main) -> None:
    """Run a program in a context of its own."""
    Context().run(style.run, main)


def test_1_a_scope_that_somebody_opened_is_shared_by_all_that_is_started_in_it(style: Style, scopes: Scopes) -> None:
    async def main() -> None:
        with scopes.isolation_scope():
            write(scopes, "request")
            await style.both(partial(write, scopes))
            assert tags(scopes) == {"request": 1, "a": 1, "b": 1}
        assert tags(scopes) == {}

    run(style, main)


@pytest.mark.parametrize("parent_writes", [False, True])
def test_2_where_nobody_opened_one_siblings_and_their_parent_stay_apart(
    style: Style, scopes: Scopes, parent_writes: bool
) -> None:
    inherited = {"parent": 1} if parent_writes else {}

    async def main() -> None:
        if parent_writes:
            write(scopes, "parent")
        for _ in range(2):
            assert await style.both(partial(write, scopes)) == [{**inherited, "a": 1}, {**inherited, "b": 1}]
        assert tags(scopes) == inherited

    run(style, main)
    run(style, main)  # on a second loop


def test_3_siblings_in_a_request_are_apart_where_each_opens_a_scope(style: Style, scopes: Scopes) -> None:
    def apart(name: str) -> Tags:
        with scopes.new_scope() as scope:
            scope.set_tag(name, 1)
            return tags(scopes)

    async def main() -> None:
        with scopes.isolation_scope():
            write(scopes, "request")
            assert await style.both(apart) == [{"request": 1, "a": 1}, {"request": 1, "b": 1}]
            assert tags(scopes) == {"request": 1}

    run(style, main)


async def outlive_on_asyncio(opened: AbstractContextManager[object], late: Main, ended: Callable[[], None]) -> None:
    with opened:
        task = asyncio.create_task(late())
    ended()
    await task


async def outlive_on_trio(opened: AbstractContextManager[object], late: Main, ended: Callable[[], None]) -> None:
    async with trio.open_nursery() as tasks:
        with opened:
            tasks.start_soon(late)
        ended()


async def outlive_on_anyio(opened: AbstractContextManager[object], late: Main, ended: Callable[[], None]) -> None:
    async with anyio.create_task_group() as tasks:
        with opened:
            tasks.start_soon(late)
        ended()


Outlive = Callable[[AbstractContextManager[object], Main, Callable[[], None]], Coroutine[Any, Any, None]]

OUTLIVING: dict[str, tuple[Callable[[Main], None], Outlive]] = {
    "asyncio": (on_asyncio, outlive_on_asyncio),
    "trio": (trio.run, outlive_on_trio),
    "trio-as-guest": (as_a_guest, outlive_on_trio),
    "anyio-asyncio": (on_anyio("asyncio"), outlive_on_anyio),
    "anyio-trio": (on_anyio("trio"), outlive_on_anyio),
}


@pytest.mark.parametrize("way", OUTLIVING)
def test_4_what_outlives_a_request_goes_on_with_a_copy(scopes: Scopes, way: str) -> None:
    start, outlive = OUTLIVING[way]
    over: list[bool] = []
    found: list[Tags] = []

    @contextmanager
    def request() -> Iterator[None]:
        with scopes.isolation_scope() as scope:
            write(scopes, "request")
            yield
        assert scope.tags == {"request": 1}

    async def late() -> None:
        assert over == [True]  # a task begins when the one that started it waits
        assert tags(scopes) == {"request": 1}
        found.append(write(scopes, "late"))

    async def main() -> None:
        await outlive(request(), late, lambda: over.append(True))
        assert tags(scopes) == {}

    Context().run(start, main)
    assert found == [{"request": 1, "late": 1}]


def test_5_greenlets_that_carry_no_context_know_nothing(scopes: Scopes) -> None:
    found: list[Tags] = []
    with scopes.isolation_scope():
        write(scopes, "request")
        for _ in range(2):
            greenlet.greenlet(lambda: found.append(write(scopes, "greenlet"))).switch()
        assert tags(scopes) == {"request": 1}
    assert found == [{"greenlet": 1}, {"greenlet": 1}]


# -- generators, and greenlets in tasks


@pytest.mark.parametrize("start", [on_asyncio, trio.run, as_a_guest], ids=["asyncio", "trio", "trio-as-guest"])
@pytest.mark.parametrize("opened", [False, True])
def test_what_a_generator_sets_is_known_to_whoever_asks_it(
    scopes: Scopes, start: Callable[[Main], None], opened: bool
) -> None:
    def steps() -> Iterator[None]:
        write(scopes, "generator")
        yield
        with scopes.new_scope() as scope:
            scope.set_tag("step", 1)
            yield

    async def asynchronous_steps() -> AsyncIterator[Tags]:
        write(scopes, "asynchronous")
        yield tags(scopes)
        with scopes.new_scope() as scope:
            scope.set_tag("step", 1)
            yield tags(scopes)

    async def main() -> None:
        with scopes.isolation_scope() if opened else nullcontext():
            assert [tags(scopes) for _ in steps()] == [{"generator": 1}, {"generator": 1, "step": 1}]
            both = {"generator": 1, "asynchronous": 1}
            assert [found async for found in asynchronous_steps()] == [both, {**both, "step": 1}]
            assert tags(scopes) == both

    Context().run(start, main)


def test_a_task_that_goes_on_in_greenlets_is_one(scopes: Scopes) -> None:
    """As with SQLAlchemy, which has code that knows nothing of asyncio run in a greenlet, in the task's own context."""

    async def main() -> None:
        write(scopes, "task")
        inner = greenlet.greenlet(partial(write, scopes, "greenlet"))
        inner.gr_context = copy_context()
        assert inner.switch() == {"task": 1, "greenlet": 1}
        assert tags(scopes) == {"task": 1, "greenlet": 1}

    asyncio.run(main())
