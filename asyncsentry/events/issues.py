"""What makes two events one issue, told before anything of them is read: what failed, and where it was raised."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final

TEXT_LIMIT: Final = 200
"""Characters of a message that tell it from others."""

Issue = tuple[object, ...]


def issue_of_error(kind: type[BaseException], traceback: TracebackType | None) -> Issue:
    """The exception's type, and the instruction that raised it."""
    if traceback is None:
        return (kind,)
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    return kind, code.co_filename, code.co_firstlineno, traceback.tb_lasti


def issue_of_event(event: Mapping[str, Any]) -> Issue | None:
    """The message before its parameters are filled in, and the logger; None for what has no message."""
    entry = event.get("logentry")
    text = entry.get("message", entry.get("formatted")) if isinstance(entry, Mapping) else event.get("message")
    logger = event.get("logger")
    if type(text) is not str:
        return None
    return text[:TEXT_LIMIT], logger if type(logger) is str else None
