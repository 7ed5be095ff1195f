"""Variables that a program has said are secrets: with Django's own decorator ``sensitive_variables``."""

from __future__ import annotations

import inspect
from collections.abc import Container
from types import FrameType
from typing import Any, Final

from django.views.decorators import debug

_WRAPPER: Final = "sensitive_variables_wrapper"


class _All:
    """Whatever a variable is called."""

    def __contains__(self, name: object) -> bool:
        return True


_ALL: Final = _All()


class Secrets:
    """Tells, of one stack's frames, the variables of functions that have the decorator, and of what these call."""

    def __init__(self) -> None:
        self._known: dict[FrameType, Container[str] | None] = {}

    def __call__(self, frame: FrameType) -> Container[str] | None:
        """Those of a frame; None without any."""
        code = frame.f_code
        if code.co_flags & inspect.CO_COROUTINE:
            of_coroutines = getattr(debug, "coroutine_functions_to_sensitive_variables", {})  # from Django 5 on
            named = of_coroutines.get(hash(f"{code.co_filename}:{code.co_firstlineno}"))
            if named is not None:
                return _names(named)
        return _ALL if _is_wrapper(frame) else self._of_callers(frame)

    def _of_callers(self, frame: FrameType | None) -> Container[str] | None:
        """What the innermost decorator on the way to a frame names. Each frame of a stack is passed once."""
        passed, found = [], None
        while frame is not None:
            if frame in self._known:
                found = self._known[frame]
                break
            passed.append(frame)
            if _is_wrapper(frame):
                found = _names(getattr(frame.f_locals.get(_WRAPPER), "sensitive_variables", "__ALL__"))
                break
            frame = frame.f_back
        self._known.update(dict.fromkeys(passed, found))
        return found


def _is_wrapper(frame: FrameType) -> bool:
    return frame.f_code.co_name == _WRAPPER and frame.f_globals is vars(debug)


def _names(named: Any) -> Container[str]:
    return _ALL if named == "__ALL__" else named
