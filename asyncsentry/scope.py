"""What is known about the work in hand: tags, user, breadcrumbs … and which work it is known about.

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

import os
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from threading import get_ident
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from asyncsentry.item import Attachment

if TYPE_CHECKING:
    from asyncsentry.types import ScopeData

MAX_BREADCRUMBS = 100


class Scope:
    """Data for events. What is set is copied at the door; it is frozen when an event is made of it."""

    __slots__ = (
        "attachments",
        "breadcrumbs",
        "contexts",
        "ended",
        "extras",
        "fingerprint",
        "level",
        "tags",
        "trace",
        "transaction",
        "user",
    )

    def __init__(self, max_breadcrumbs: int = MAX_BREADCRUMBS) -> None:
        self.breadcrumbs: deque[Mapping[str, Any]] = deque(maxlen=max_breadcrumbs)
        self.ended = False
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.tags: dict[str, Any] = {}
        self.extras: dict[str, Any] = {}
        self.contexts: dict[str, dict[str, Any]] = {}
        self.user: dict[str, Any] | None = None
        self.level: str | None = None
        self.fingerprint: list[str] | None = None
        self.transaction: str | None = None
        self.trace: tuple[str, str] | None = None
        self.attachments: tuple[Attachment, ...] = ()
        self.breadcrumbs.clear()

    def fork(self) -> Scope:
        """A scope that begins with what this one holds."""
        fork = Scope(self.breadcrumbs.maxlen or 0)
        fork.update(self)
        return fork

    def update(self, other: Scope) -> None:
        """Lay ``other`` over this scope: what it says wins, key by key; breadcrumbs follow ours."""
        self.tags.update(other.tags)
        self.extras.update(other.extras)
        self.contexts.update(other.contexts)
        self.user = self.user if other.user is None else other.user
        self.level = other.level or self.level
        self.fingerprint = self.fingerprint if other.fingerprint is None else other.fingerprint
        self.transaction = other.transaction or self.transaction
        self.trace = other.trace or self.trace
        self.attachments += other.attachments
        self.breadcrumbs.extend(other.breadcrumbs)

    def trace_ids(self) -> tuple[str, str]:
        """The trace and the span that this work is: one pair for all its events."""
        if self.trace is None:
            self.trace = (os.urandom(16).hex(), os.urandom(8).hex())
        return self.trace

    def apply(self, data: ScopeData) -> None:
        """Set several things at once."""
        self.tags.update(data.get("tags", {}))
        self.extras.update(data.get("extras", {}))
        for key, value in data.get("contexts", {}).items():
            self.set_context(key, value)
        if "user" in data:
            self.set_user(data["user"])
        if "level" in data:
            self.set_level(data["level"])
        if "fingerprint" in data:
            self.set_fingerprint(data["fingerprint"])

    def set_tag(self, key: str, value: Any) -> None:
        """Set one tag. Servers index tags; a value is sent as text."""
        self.tags[key] = value

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set several tags."""
        self.tags.update(tags)

    def set_extra(self, key: str, value: Any) -> None:
        """Set one value that is shown, not indexed."""
        self.extras[key] = value

    def set_extras(self, extras: Mapping[str, Any]) -> None:
        """Set several such values."""
        self.extras.update(extras)

    def set_context(self, key: str, value: Mapping[str, Any]) -> None:
        """Set a named group of values, shown as a section of its own."""
        self.contexts[key] = dict(value)

    def set_user(self, user: Mapping[str, Any] | None) -> None:
        """Say for whom the work is done: ``id``, ``username``, ``email``, ``ip_address`` and whatever else."""
        self.user = None if user is None else dict(user)

    def set_level(self, level: str) -> None:
        """Set the level of events: fatal, error, warning, info or debug."""
        self.level = level

    def set_fingerprint(self, fingerprint: Sequence[str]) -> None:
        """Group events by this instead of by their stack trace; ``{{ default }}`` stands for the usual grouping."""
        self.fingerprint = list(fingerprint)

    def set_transaction_name(self, name: str) -> None:
        """Name the work: a route, a task."""
        self.transaction = name

    def add_breadcrumb(self, crumb: Mapping[str, Any]) -> None:
        """Note what happened, for the events to come; the oldest goes when there are too many."""
        if "timestamp" not in crumb:
            crumb = {**crumb, "timestamp": time.time()}
        self.breadcrumbs.append(crumb)

    def add_attachment(self, data: bytes, *, filename: str, content_type: str = "application/octet-stream") -> None:
        """Send a file with each event; ``filename`` is shown without its folder."""
        name = filename.replace("\\", "/").rpartition("/")[2]
        self.attachments += (Attachment(bytes(data), name, content_type),)


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
