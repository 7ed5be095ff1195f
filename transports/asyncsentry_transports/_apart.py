"""Sending apart from what a loop does to all that it knows of.

A loop's last acts are to cancel every task and to close every asynchronous generator. A library's own tasks and
generators, with which it sends, are part of our request: cut off in its midst it would fail, or arrive twice. So the
loop does not get to know them; what still runs is waited for in its last moments, and ended if it takes longer.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")

Started = Callable[["asyncio.Task[Any]"], None]


def start_apart(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T], started: Started) -> asyncio.Task[T]:
    """Run a coroutine in a task; that task, and each that is begun on its way, is shown to ``started``."""
    task: asyncio.Task[T] = _Starter(loop, started)(loop, work)
    return task


class _Starter:
    """A task factory."""

    def __init__(self, loop: asyncio.AbstractEventLoop, started: Started) -> None:
        self._loop = loop
        self._started = started

    # Any: it starts tasks of all kinds, with the arguments that this Python's version has for them.
    def __call__(self, loop: asyncio.AbstractEventLoop, work: Any, **arguments: Any) -> Any:
        task = asyncio.Task(_Apart(work, self.step), loop=loop, **arguments)
        asyncio._unregister_task(task)
        self._started(task)
        return task

    def step(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """Do one step of a coroutine, which is ours alone: nothing else runs before it ends."""
        hooks, factory = sys.get_asyncgen_hooks(), self._loop.get_task_factory()
        sys.set_asyncgen_hooks(None, None)
        self._loop.set_task_factory(self)
        try:
            return step(*arguments)
        finally:
            self._loop.set_task_factory(factory)
            sys.set_asyncgen_hooks(*hooks)


class _Apart(Coroutine[Any, Any, Any]):
    """A coroutine whose every step is done in a way of ours."""

    def __init__(self, work: Coroutine[Any, Any, Any], step: Callable[..., Any]) -> None:
        self._work = work
        self._step = step

    def send(self, value: Any, /) -> Any:
        return self._step(self._work.send, value)

    def throw(self, *error: Any) -> Any:
        return self._step(self._work.throw, *error)

    def close(self) -> None:
        self._step(self._work.close)

    def __await__(self) -> Generator[Any, Any, Any]:
        raise TypeError("this is for a task alone")

    def __getattr__(self, name: str) -> Any:
        """What the coroutine tells of itself: anyio asks whether it has begun."""
        return getattr(self._work, name)
