"""One at a time, for code that a signal handler or a finalizer may enter again on the thread that is in it already."""

from __future__ import annotations

from _thread import RLock
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

Answer = TypeVar("Answer")
NoAnswer = TypeVar("NoAnswer")

PATIENCE: Final = 1.0
"""Seconds that who may wait waits to get in. Whoever is inside needs microseconds, unless a finalizer that happens to
run there waits for something that we hold: then nobody would ever move again."""


class Turnstile:
    """Lets one thread in at a time. What is to be done is done in the order in which it came.

    `do` never waits: it runs in captures, which happen in signal handlers, in finalizers and under any lock. If
    somebody is inside (perhaps this very thread, interrupted), that one does it too before it goes on.

    The lock is `_thread`'s: the one of `threading` is another in a program that gevent or eventlet has patched, where
    it may never come free for a thread that is none of theirs.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._busy = False
        self._steps: deque[Callable[[], None]] = deque()

    @property
    def waiting(self) -> bool:
        """Whether something came that is not done yet."""
        return bool(self._steps)

    def do(self, step: Callable[[], None]) -> None:
        """Have it done: now, or by the one who is inside, as soon as that one is done."""
        self._steps.append(step)
        while self.waiting and self.ask(_yes, False):
            pass  # looked at again outside: a step that came while we left found the door shut

    def ask(self, question: Callable[[], Answer], otherwise: NoAnswer, patience: float = 0.0) -> Answer | NoAnswer:
        """Do all that came before, then answer; ``otherwise`` if nobody gets in within ``patience`` seconds."""
        try:
            if not self._lock.acquire(timeout=patience) or self._busy:
                return otherwise
            self._busy = True
            try:
                while self._steps:
                    self._steps.popleft()()
                return question()
            finally:
                self._busy = False
        finally:
            # If we have it: Ctrl-C may come between getting it and knowing that. And it may come wherever a function
            # begins, so there is none here.
            try:
                self._lock.release()
            except RuntimeError:
                pass


def _yes() -> bool:
    return True
