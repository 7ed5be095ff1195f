"""Variables that a program has said are secrets: with Django's own decorator ``sensitive_variables``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Container
from types import FrameType
from typing import Any, Final

_DEBUG: Final = "django.views.decorators.debug"
_WRAPPER: Final = "sensitive_variables_wrapper"


class _All:
    """Whatever a variable is called."""

    def __contains__(self, name: object) -> bool:
        return True


_ALL: Final = _All()


def secret_variables(frame: FrameType) -> Container[str] | None:
    """Those of a frame whose function has the decorator, or was called by one that has; None without any."""
    if _DEBUG not in sys.modules:
        return None
    code = frame.f_code
    if code.co_flags & inspect.CO_COROUTINE:
        of_coroutines = getattr(sys.modules[_DEBUG], "coroutine_functions_to_sensitive_variables", {})
        named = of_coroutines.get(hash(f"{code.co_filename}:{code.co_firstlineno}"))
        if named is not None:
            return _names(named)
    caller: FrameType | None = frame
    while caller is not None:
        if caller.f_code.co_name == _WRAPPER and caller.f_globals.get("__name__") == _DEBUG:
            wrapper = caller.f_locals.get(_WRAPPER)
            return _ALL if caller is frame else _names(getattr(wrapper, "sensitive_variables", "__ALL__"))
        caller = caller.f_back
    return None


def _names(named: Any) -> Container[str]:
    return _ALL if named == "__ALL__" else named
