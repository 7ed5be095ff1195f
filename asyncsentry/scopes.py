"""Which work something is known about: the process, a request or task, a block.

Data is kept on three levels, each more particular than the one before: global (the process), isolation (a request, a
task, a job), current (a ``with new_scope():``). Which isolation scope a piece of code writes to:

1. One that somebody opened (``isolation_scope()``, an integration) is shared by everything started inside it that
   carries its context: child tasks, worker threads, callbacks.
2. Where nobody opened one, each asyncio task gets its own at its first write, a copy of what it had inherited; so do
   threads. Siblings never mix, with no set-up.
3. A write after the scope has ended forks it.

Leaving a scope restores the one before only if the variable is still ours: a generator or a callback may be left in
another context than it was entered in, where ``ContextVar.reset`` would raise.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import get_ident
from typing import Any
from weakref import WeakKeyDictionary, ref

from asyncsentry.scope import MAX_BREADCRUMBS, Scope


class Holding:
    """An isolation scope in a context: whose it is, or that somebody opened it for all that is started inside."""

    __slots__ = ("opened", "owner", "scope")

    def __init__(self, scope: Scope, owner: object, *, opened: bool) -> None:
        self.scope = scope
        self.owner = owner
        self.opened = opened


class Scopes:
    """The scopes of one client. Reading never makes one; writing makes the writer's own where it has none."""

    def __init__(self, max_breadcrumbs: int = MAX_BREADCRUMBS) -> None:
        self.global_scope = Scope(max_breadcrumbs)
        self._nothing = Scope(max_breadcrumbs)
        self._isolation: ContextVar[Holding | None] = ContextVar("asyncsentry_isolation", default=None)
        self._current: ContextVar[Scope | None] = ContextVar("asyncsentry_current", default=None)
        self._of_tasks: WeakKeyDictionary[Any, Scope] = WeakKeyDictionary()
        self.last_event_id: ContextVar[str | None] = ContextVar("asyncsentry_last_event_id", default=None)

    def limit_breadcrumbs(self, most: int) -> None:
        """Keep so many breadcrumbs from now on."""
        self.global_scope.breadcrumbs = deque(self.global_scope.breadcrumbs, most)
        self._nothing.breadcrumbs = deque(maxlen=most)

    def isolation(self) -> Scope:
        """The isolation scope to write to."""
        holding = self._isolation.get()
        owner, task = _worker()
        if holding is not None and not holding.scope.ended and (holding.opened or holding.owner == owner):
            return holding.scope
        scope = (holding.scope if holding is not None else self._nothing).fork()
        self._isolation.set(Holding(scope, owner, opened=False))
        if task is not None:
            self._of_tasks[task] = scope
        return scope

    def current(self) -> Scope:
        """The current scope to write to."""
        scope = self._current.get()
        if scope is None or scope.ended:
            scope = (scope or self._nothing).fork()
            self._current.set(scope)
        return scope

    def merged(self, error: BaseException | None = None) -> Scope:
        """All that is known here. If ``error`` ended a task that had a scope of its own, what was known there."""
        isolation = self._of_failed_task(error) or self._peek()
        (isolation or self.global_scope).trace_ids()
        scope = self.global_scope.fork()
        if isolation is not None:
            scope.update(isolation)
        current = self._current.get()
        if current is not None:
            scope.update(current)
        return scope

    @contextmanager
    def new_scope(self) -> Iterator[Scope]:
        """Open a current scope for a block: it begins as a copy, and what is set on it ends with the block."""
        before = self._current.get()
        scope = (before or self._nothing).fork()
        self._current.set(scope)
        try:
            yield scope
        finally:
            scope.ended = True
            if self._current.get() is scope:
                self._current.set(before)

    @contextmanager
    def isolation_scope(self) -> Iterator[Scope]:
        """Open an isolation scope for a block and everything that is started in it."""
        before = self._isolation.get()
        scope = (self._peek() or self._nothing).fork()
        scope.trace = None
        holding = Holding(scope, None, opened=True)
        self._isolation.set(holding)
        try:
            with self.new_scope():
                yield scope
        finally:
            scope.ended = True
            if self._isolation.get() is holding:
                self._isolation.set(before)

    def _peek(self) -> Scope | None:
        holding = self._isolation.get()
        return None if holding is None else holding.scope

    def _of_failed_task(self, error: BaseException | None) -> Scope | None:
        if error is None:
            return None
        for task, scope in list(self._of_tasks.items()):
            if task.done() and getattr(task, "_exception", None) is error:
                return scope
        return None


def _worker() -> tuple[object, object | None]:
    """Whose writes these are: an asyncio task's (as a weak reference, and itself), else this thread's."""
    asyncio = sys.modules.get("asyncio")
    loop = None if asyncio is None else asyncio._get_running_loop()
    if asyncio is not None and loop is not None:
        task = asyncio.current_task(loop)
        if task is not None:
            return ref(task), task
    return get_ident(), None
