"""Ctrl-C, or a signal handler, exactly where a test wants it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

WHERE = ("call", "return", "c_return")
"""Where Python looks for signals, besides where a loop begins once more."""

OURS = ("asyncsentry", "collections", "dataclasses")
"""In which modules: what is ours, and what may be called from there."""


@dataclass
class Cut:
    """Whether it came before the end."""

    came: bool = False


@contextmanager
def cut_where(wanted: Callable[[FrameType, str], bool]) -> Iterator[Cut]:
    """Ctrl-C in this thread, at the first place that is ``wanted``; it ends the block and goes no further."""
    cut = Cut()

    def look(frame: FrameType, event: str, _: object) -> None:
        if event in WHERE and frame.f_globals["__name__"].startswith(OURS) and wanted(frame, event):
            cut.came = True
            raise KeyboardInterrupt  # which ends this, too

    sys.setprofile(look)
    try:
        yield cut
    except KeyboardInterrupt:
        assert cut.came
    finally:
        sys.setprofile(None)


@contextmanager
def cut_at(number: int) -> Iterator[Cut]:
    """Ctrl-C at the so many-th place at which Python looks for signals."""
    left = number

    def counted(_frame: FrameType, _event: str) -> bool:
        nonlocal left
        left -= 1
        return left < 0

    with cut_where(counted) as cut:
        yield cut


@contextmanager
def called_at(number: int, handler: Callable[[], object]) -> Iterator[Cut]:
    """A signal handler is called in this thread, at the so many-th place at which Python looks for signals."""
    cut, left = Cut(), number

    def look(frame: FrameType, event: str, _: object) -> None:
        nonlocal left
        if event in WHERE and frame.f_globals["__name__"].startswith(OURS):
            left -= 1
            if left == -1:
                cut.came = True
                handler()

    sys.setprofile(look)
    try:
        yield cut
    finally:
        sys.setprofile(None)
