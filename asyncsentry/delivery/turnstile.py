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

    Ctrl-C, or what else a signal handler raises, may cut a step off in the middle. Then, before anything else is done,
    ``mend`` is called, and the step once more: what it has done already it must not do again.

    The lock is `_thread`'s: the one of `threading` is another in a program that gevent or eventlet has patched, where
    it may never come free for a thread that is none of theirs.
    """

    def __init__(self, mend: Callable[[], None] | None = None) -> None:
        self._lock = RLock()
        self._mend = mend
        self._busy = self._torn = False
        self._steps: deque[Callable[[], None]] = deque()
        self._step: Callable[[], None] | None = None

    @property
    def waiting(self) -> bool:
        """Whether something came that is not done yet."""
        return bool(self._steps)

    def put_off(self, step: Callable[[], None]) -> None:
        """Have it done by whoever comes next."""
        self._steps.append(step)

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
                return self._work_off(question)
            finally:
                self._busy = False
        finally:
            # If we have it: Ctrl-C may come between getting it and knowing that. And it may come wherever a function
            # begins, so there is none here, and wherever a loop begins once more, where CPython 3.12 and 3.13 forget
            # what is to be done finally: so there is none above.
            try:
                self._lock.release()
            except RuntimeError:
                pass

    def _work_off(self, question: Callable[[], Answer]) -> Answer:
        if self._torn and self._mend is not None:
            self._mend()
            torn, self._step = self._step, None
            if torn is not None:
                torn()
        self._torn = True
        while self._steps:
            self._step = step = self._steps[0]
            del self._steps[0]  # without a call in between: see `Book`
            step()
            self._step = None
        answer = question()
        self._torn = False
        return answer


def _yes() -> bool:
    return True
