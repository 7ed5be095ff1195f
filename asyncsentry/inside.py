"""What a thread is in the middle of: a capture, in which whatever that calls may want to capture, too."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Inside:
    """Whether a thread is in the middle of a capture: what that calls (a ``__repr__``, a callback) may capture."""

    __slots__ = ("capturing", "interrupted", "put_off")

    def __init__(self) -> None:
        self.capturing = False
        self.interrupted = False
        """Whether Ctrl-C was among what foreign code raised meanwhile."""
        self.put_off: Callable[[], None] | None = None
        """What sees to it that the event is sent in the end, from the moment on at which it is given away."""


class Threads(threading.local):
    """That of the thread that asks: asked for once in a capture, as asking takes longer than all else about it."""

    inside: Inside

    def __getattr__(self, name: str) -> object:
        """Make it when the thread first asks: in no ``__init__``, in the midst of which a signal handler may ask."""
        return self.__dict__.setdefault(name, Inside())
