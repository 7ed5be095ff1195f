"""The SDK's own work: what it logs, and what is started in it, is not the application's to report."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, ContextVar
from typing import Final

_AT_WORK: Final[ContextVar[bool]] = ContextVar("asyncsentry_at_work", default=False)


def at_work() -> bool:
    """Whether what runs here is the SDK's work, or was started by it: whatever carries a context, as tasks do."""
    return _AT_WORK.get()


def work(task: Callable[[], None]) -> None:
    """Do a piece of it, with nothing of the application's context."""
    Context().run(_begin, task)


def hand_over(callback: Callable[[], None]) -> None:
    """Call what is the application's again, out of the midst of it."""
    Context().run(callback)


def _begin(task: Callable[[], None]) -> None:
    _AT_WORK.set(True)
    task()
