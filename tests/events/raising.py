"""Real code that fails, for tests that look at what is told of it."""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

# Any: Python 3.10 has them not, but pytest brings a backport along.
_groups: Any = builtins if sys.version_info >= (3, 11) else importlib.import_module("exceptiongroup")
BaseExceptionGroup, ExceptionGroup = _groups.BaseExceptionGroup, _groups.ExceptionGroup


def caught(function: Callable[..., object], *arguments: Any) -> BaseException:
    """The exception that a call raises, with the traceback it has then, from that call on."""
    try:
        function(*arguments)
    except BaseException as error:
        traceback = error.__traceback__
        return error.with_traceback(traceback.tb_next if traceback else None)
    raise AssertionError("nothing was raised")


def fail(message: str = "boom") -> None:
    raise ValueError(message)


def with_variables() -> None:
    number, password = 5, "hunter2"
    raise ValueError(number, password)


class Shop:
    """Has each kind of method."""

    def sell(self) -> None:
        fail()

    @classmethod
    def open(cls) -> None:
        fail()

    @staticmethod
    def close() -> None:
        fail()

    def count(self, remaining: int) -> int:
        """Come back to itself until its argument is used up."""
        return self.count(remaining - 1) if remaining else 1 // 0


class Branch(Shop):
    """Inherits all of them."""


def hidden() -> None:
    __traceback_hide__ = True
    fail()


def not_hidden() -> None:
    __traceback_hide__ = False
    fail()


def frame_here(frame: Callable[[], FrameType]) -> FrameType:
    return frame()
