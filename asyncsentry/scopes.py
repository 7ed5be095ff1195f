"""Which work something is known about: the process, a request or task, a block.

Data is kept on three levels, each more particular than the one before: global (the process), isolation (a request, a
task, a job), current (a ``with new_scope():``). Which scope of a level a piece of code writes to:

1. One that somebody opened (``isolation_scope()``, an integration) is shared by everything started inside it that
   carries its context: child tasks, worker threads, callbacks.
2. Where nobody opened one, each asyncio task gets its own at its first write, a copy of what it had inherited; so does
   each thread, and each callback of a loop. Siblings never mix, with no set-up.
3. A write after the scope has ended forks it.

Leaving a scope restores the one before only if the variable is still ours: a generator or a callback may be left in
another context than it was entered in, where ``ContextVar.reset`` would raise. What stays behind in the first context
then is looked through by whoever had opened it.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from threading import get_ident
from typing import TYPE_CHECKING, Any
from weakref import ref

from asyncsentry.scope import Scope

if TYPE_CHECKING:
    from asyncsentry.events.work import Describe


class _Holding:
    """A scope in a context: who made it, whether for all that is started inside, and what it was laid over."""

    __slots__ = ("below", "opened", "scope", "worker")

    def __init__(self, scope: Scope, worker: object, opened: bool, below: _Holding | None = None) -> None:
        self.scope = scope
        self.worker = worker
        self.opened = opened
        self.below = below


class _Level:
    """The scopes of one level: which one is read here, and which one is written to."""

    def __init__(self, name: str) -> None:
        self._held: ContextVar[_Holding | None] = ContextVar(name, default=None)
        self._of_tasks: dict[ref[Any], Scope] = {}

    def read(self) -> Scope | None:
        """What is known here, if anything is."""
        holding = self._holding(_worker())
        return None if holding is None else holding.scope

    def write(self) -> Scope:
        """The scope to write to: made now, where there is none for this worker."""
        worker = _worker()
        holding = self._holding(worker)
        if holding is not None and not holding.scope.ended and (holding.opened or holding.worker == worker):
            return holding.scope
        scope = Scope() if holding is None else holding.scope.fork()
        self._held.set(_Holding(scope, worker, False))
        if isinstance(worker, ref):
            self._of_tasks[ref(worker(), self._of_tasks.pop)] = scope
        return scope

    def open(self, worker: object) -> _Holding:
        """Begin a scope, of what is known here, that all has which runs, or is started, until it is closed."""
        before = self._held.get() and self._holding(worker)
        scope = Scope() if before is None else before.scope.fork()
        holding = _Holding(scope, worker, True, before)
        self._held.set(holding)
        return holding

    def close(self, holding: _Holding) -> None:
        """Leave what `open` gave."""
        holding.scope.ended = True
        if self._held.get() is holding:
            self._held.set(holding.below)

    def of_failed_task(self, error: BaseException) -> Scope | None:
        """The scope of the task that ``error`` ended: of the innermost, as tasks start after those that await them."""
        scopes = reversed(list(self._of_tasks.items()))
        return next((scope for task, scope in scopes if _ended_with(task(), error)), None)

    def _holding(self, worker: object) -> _Holding | None:
        holding = self._held.get()
        while holding is not None and holding.opened and holding.scope.ended and holding.worker == worker:
            holding = holding.below
        return holding


class Scopes:
    """The scopes of one client."""

    def __init__(self) -> None:
        self.global_scope = Scope()
        self._isolation = _Level("asyncsentry_isolation")
        self._current = _Level("asyncsentry_current")

    def isolation(self) -> Scope:
        """The isolation scope to write to."""
        return self._isolation.write()

    def current(self) -> Scope:
        """The scope of the innermost ``with new_scope():`` to write to; outside of any, the isolation scope."""
        return self.isolation() if self._current.read() is None else self._current.write()

    def known(self, error: BaseException | None = None) -> Scope:
        """All that is known here; if ``error`` ended a task that had a scope of its own, all that was known there."""
        isolation = None if error is None else self._isolation.of_failed_task(error)
        isolation = isolation or self.isolation()
        isolation.trace_ids()
        known = self.global_scope.fork()
        known.update(isolation)
        current = self._current.read()
        if current is not None:
            known.update(current)
        return known

    def last_event_id(self) -> str | None:
        """The id of the event that was captured last in this work."""
        isolation = self._isolation.read()
        return None if isolation is None else isolation.last_event_id

    def new_scope(self) -> NewScope:
        """Open a current scope for a block: it begins as a copy, and what is set on it ends with the block."""
        return NewScope(self._current)

    def isolation_scope(self, describe: Describe | None = None) -> IsolationScope:
        """Open an isolation scope for a block and everything that is started in it. It is a trace of its own.

        ``describe`` is asked what this work is when an event is made of it.
        """
        return IsolationScope(self._isolation, self._current, describe)


# Classes, and not generators: one is entered for each request.


class NewScope:
    """A block with a current scope of its own."""

    __slots__ = ("_holding", "_level")

    def __init__(self, level: _Level) -> None:
        self._level = level

    def __enter__(self) -> Scope:
        self._holding = self._level.open(_worker())
        return self._holding.scope

    def __exit__(self, *_: object) -> None:
        self._level.close(self._holding)


class IsolationScope:
    """A block with an isolation scope, and a current one, of its own."""

    __slots__ = ("_block", "_current", "_describe", "_holding", "_isolation")

    def __init__(self, isolation: _Level, current: _Level, describe: Describe | None) -> None:
        self._isolation = isolation
        self._current = current
        self._describe = describe

    def __enter__(self) -> Scope:
        worker = _worker()
        self._holding = self._isolation.open(worker)
        self._block = self._current.open(worker)
        scope = self._holding.scope
        scope.trace = scope.last_event_id = None
        scope.describe = self._describe or scope.describe
        return scope

    def __exit__(self, *_: object) -> None:
        self._current.close(self._block)
        self._isolation.close(self._holding)


def _worker() -> object:
    """Who runs here: an asyncio task, or this thread; a callback of a loop is somebody new each time."""
    asyncio = sys.modules.get("asyncio")
    loop = None if asyncio is None else asyncio._get_running_loop()
    if asyncio is None or loop is None:
        return get_ident()
    task = asyncio.current_task(loop)
    return object() if task is None else ref(task)


def _ended_with(task: Any, error: BaseException) -> bool:
    """Whether a task ended with this error; asked so that it stays open whether anybody has retrieved it."""
    return task is not None and task.done() and getattr(task, "_exception", None) is error
