"""Foreign code, asked about a value under guard: it may raise anything, and take as long as it likes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from asyncsentry.events.looking import ENOUGH, acquit, distrust, doubt

T = TypeVar("T")
R = TypeVar("R")

SLOW: Final = 0.005
"""Seconds of the processor's time: a type whose look took longer is shown by its name from then on, and so is
everything foreign for the rest of an event whose looks took longer together."""

STUCK: Final = 0.05
"""Seconds that may go by for all looks of an event.

A look may sleep, but a busy machine lets any thread wait: so a type is shown by its name after two looks in a row that
took as long as this, or after three that took longer than `SLOW`.
"""


class Guard:
    """Asks for one event, within the time that all of its questions may take together.

    Whatever an answer raises is gone, but for ``interrupted``, which says that a ``KeyboardInterrupt`` was among it and
    is still to be raised by whoever began the capture.
    """

    __slots__ = ("_clock", "_leisure", "_patience", "_wall", "interrupted")

    def __init__(self, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        """``clock`` tells the thread's own time, ``wall`` that which goes by."""
        self.interrupted = False
        self._clock = clock
        self._wall = wall
        self._patience = SLOW
        self._leisure = STUCK

    def ask(self, question: Callable[[T], R], value: T, blame: type | None = None) -> R | None:
        """Run foreign code that answers a question about ``value``: None if it fails, or if there is no time left.

        A type to ``blame`` for a failure, or for taking long, is shown by its name from then on.
        """
        if self._patience <= 0 or self._leisure <= 0:
            return None
        answer: R | None = None
        failed, perhaps = True, False
        began, started = self._wall(), self._clock()
        try:
            answer = question(value)
            failed = False
        except (RecursionError, MemoryError):
            blame = None  # that there is no room left is not the type's fault
        except RuntimeError:  # perhaps another thread has changed it meanwhile
            failed, perhaps = False, True
        except KeyboardInterrupt:
            self.interrupted = True
            blame = None
        except BaseException:
            # Even a SystemExit: whoever only looks at a value must not end the program.
            pass
        worked, waited = self._clock() - started, self._wall() - began
        self._patience -= worked
        self._leisure -= waited
        if blame is not None:
            if failed or worked > SLOW:
                distrust(blame)
            elif perhaps or waited > SLOW:
                doubt(blame, ENOUGH // 3 if waited <= STUCK else ENOUGH // 2)
            else:
                acquit(blame)
        return answer
