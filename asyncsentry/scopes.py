"""Which work something is known about: the process, a request or task, a block.

Data is kept on three levels, each more particular than the one before: global (the process), isolation (a request, a
task, a job), current (a ``with new_scope():``). Which scope of a level a piece of code writes to:

1. One that somebody opened (``isolation_scope()``, an integration) is shared by everything started inside it that
   carries its context: child tasks, worker threads, callbacks.
2. Where nobody opened one, each task of asyncio or trio gets its own at its first write, a copy of what it had
   inherited; so does each thread, each greenlet, and each callback of a loop. Siblings never mix, with no set-up.
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
        self.held: ContextVar[_Holding | None] = ContextVar(name, default=None)
        """What this context has."""
        self._of_tasks: dict[ref[Any], Scope] = {}

    def read(self) -> Scope | None:
        """What is known here, if anything is."""
        holding = self.held.get()
        if holding is not None and holding.scope.ended:
            holding = self._holding(_worker())
        return None if holding is None else holding.scope

    def write(self) -> Scope:
        """The scope to write to: made now, where there is none for this worker."""
        holding = self.held.get()
        if holding is not None and not holding.scope.ended and (holding.opened or _is_at_work(holding.worker)):
            return holding.scope  # as nearly always
        worker = _worker()
        holding = self._holding(worker)
        if holding is not None and not holding.scope.ended and (holding.opened or holding.worker == worker):
            return holding.scope
        scope = Scope() if holding is None else holding.scope.fork()
        self.held.set(_Holding(scope, worker, False))
        if type(worker) is ref:
            self._of_tasks[ref(worker(), self._of_tasks.pop)] = scope
        return scope

    def hold(self, worker: object) -> _Holding:
        """What a context has in which a scope is open that begins with what is known here."""
        before = self.held.get() and self._holding(worker)
        scope = Scope() if before is None else before.scope.fork()
        return _Holding(scope, worker, True, before)

    def open(self, worker: object) -> _Holding:
        """Begin a scope, of what is known here, that all has which runs, or is started, until it is closed."""
        holding = self.hold(worker)
        self.held.set(holding)
        return holding

    def open_over(self, worker: object) -> _Holding | None:
        """The same where there is a scope already, which is not written to meanwhile; None where there is none."""
        return None if self.held.get() is None else self.open(worker)

    def close(self, holding: _Holding) -> None:
        """Leave what `open` gave."""
        holding.scope.ended = True
        if self.held.get() is holding:
            self.held.set(holding.below)

    def of_failed_task(self, error: BaseException) -> Scope | None:
        """The scope of the task that ``error`` ended: of the innermost, as tasks start after those that await them."""
        # Copied at once: tasks end, and leave it, wherever garbage is collected.
        scopes = reversed(self._of_tasks.copy().items())
        return next((scope for task, scope in scopes if _ended_with(task(), error)), None)

    def _holding(self, worker: object) -> _Holding | None:
        holding = self.held.get()
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

        ``describe`` is asked what this work is when an event is made of it. Work that is described begins with no
        breadcrumbs, unless it is part of other such work.
        """
        return IsolationScope(self._isolation, self._current, describe)

    def in_steps(self, describe: Describe) -> Steps:
        """The same for work that is done in steps, with others at work here in between."""
        return Steps(self._isolation, self._current, describe)


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
        self._block = self._current.open_over(worker)
        return _begin(self._holding.scope, self._describe)

    def __exit__(self, *_: object) -> None:
        if self._block is not None:
            self._current.close(self._block)
        self._isolation.close(self._holding)


class Steps:
    """Scopes for work that is done in steps: ``with steps:`` around each of them, and `end` after the last.

    What a step leaves open the next one finds, and nobody else. Steps of one work neither overlap nor contain another.
    """

    __slots__ = ("_current", "_elsewhere", "_isolation", "_opened")

    def __init__(self, isolation: _Level, current: _Level, describe: Describe) -> None:
        worker = _worker()
        holdings = isolation.hold(worker), current.hold(worker)
        _begin(holdings[0].scope, describe)
        self._isolation = isolation.held
        self._current = current.held
        self._opened = [holding.scope for holding in holdings]
        self._elsewhere: tuple[_Holding | None, _Holding | None] = holdings
        """What the levels hold where the work is not: in a step outside of it, else inside."""

    def _switch(self, *_: object) -> None:
        elsewhere = self._elsewhere
        self._elsewhere = self._isolation.get(), self._current.get()
        self._isolation.set(elsewhere[0])
        self._current.set(elsewhere[1])

    # One function for both, and no more calls in it: an answer of Flask's is four steps at least.
    __enter__ = __exit__ = _switch

    def end(self) -> None:
        """The work is done: who writes to its scopes from now on has a copy."""
        for scope in self._opened:
            scope.ended = True


def _begin(isolation: Scope, describe: Describe | None) -> Scope:
    """Begin other work than the one that this was forked from."""
    isolation.leave_trace()
    if describe is not None:
        if isolation.describe is None:  # what a server notes between its requests led to none of them
            isolation.breadcrumbs.clear()
        isolation.describe = describe
    return isolation


class _Fellow(ref["Any"]):
    """A worker of whom nobody can ask what error ended it: a task of trio, a greenlet."""

    __slots__ = ()


def _worker() -> object:
    """Who runs here: a task of asyncio or trio, a greenlet, or this thread; a loop's callback is new each time.

    A loop of asyncio may be trio's host, and a task of its may go on in greenlets (as SQLAlchemy's do), so the order
    matters. Only what the program has imported is asked, and not what another thread is just importing.
    """
    modules = sys.modules
    trio = modules.get("trio.lowlevel")
    task = None if trio is None else _trio_task(trio)
    if task is not None:
        return _Fellow(task)
    asyncio = modules.get("asyncio")
    running = getattr(asyncio, "_get_running_loop", None)
    loop = None if running is None else running()
    task = None if asyncio is None or loop is None else asyncio.current_task(loop)
    if task is not None:
        return ref(task)
    current = getattr(modules.get("greenlet"), "getcurrent", None)
    greenlet = None if current is None else current()
    if greenlet is not None and greenlet.parent is not None:  # also of a hub that is a loop of asyncio
        return _Fellow(greenlet)
    return get_ident() if loop is None else object()


def _is_at_work(worker: object) -> bool:
    """Whether this is who runs here, as `_worker` would say; of a task of asyncio, in a third of its time."""
    modules = sys.modules
    asyncio = modules.get("asyncio")
    if type(worker) is not ref or asyncio is None or "trio.lowlevel" in modules:
        return worker == _worker()
    try:
        task = asyncio.current_task()
    except (AttributeError, RuntimeError):  # in the midst of another import of it; no loop runs here
        return False
    return task is not None and task is worker()


def _trio_task(trio: Any) -> Any:
    try:
        known: Any = getattr(trio, "in_trio_task", None)  # newer versions say so without an error
        return trio.current_task() if known is None or known() else None
    except (AttributeError, RuntimeError):  # in the midst of its import; elsewhere than in a task of it
        return None


def _ended_with(task: Any, error: BaseException) -> bool:
    """Whether a task ended with this error; asked so that it stays open whether anybody has retrieved it."""
    return task is not None and task.done() and getattr(task, "_exception", None) is error
