"""How what asyncio makes is shown: not by its ``repr``, which is made of that of whatever it holds.

The result of a task may be a query that is not run yet, or a table of a million rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import CoroutineType
from typing import Any, Final

from asyncsentry.events.foreign import show_name, type_name
from asyncsentry.events.looks import Entries, Look, attributes_of, named


def _show_future(value: Any, _breadth: int) -> str:
    return f"<{type_name(type(value))} {_state(value)}>"


def _show_task(value: Any, _breadth: int) -> str:
    return f"<{type_name(type(value))} {value.get_name()!r} {_state(value)} coro={_show_work(value.get_coro())}>"


def _state(future: Any) -> str:
    if not future.done():
        return "pending"
    if future.cancelled():
        return "cancelled"
    # Not `exception()`: asyncio complains of an error that nobody has asked for, and shall go on to.
    if future._exception is not None:
        return f"finished exception={show_name(future._exception)}"
    return f"finished result={show_name(future._result)}"


def _show_work(work: object) -> str:
    """What a task runs, and where it is."""
    if type(work) is not CoroutineType:
        return show_name(work)
    place = (
        work.cr_code.co_filename if work.cr_frame is None else f"{work.cr_code.co_filename}:{work.cr_frame.f_lineno}"
    )
    return f"<{work.__qualname__} in {place}>"


def _show_queue(value: object, _breadth: int) -> Entries:
    """With its first members."""
    known = attributes_of(value)
    return named(value, [("maxsize", known.get("_maxsize")), ("queue", known.get("_queue"))], 2)


def _show_handle(value: Any, _breadth: int) -> Entries:
    return named(value, [("callback", value._callback), ("args", value._args)], 2)


ASYNCIO: Final[Mapping[str, Look]] = {
    "_asyncio.Future": _show_future,
    "_asyncio.Task": _show_task,
    "asyncio.Future": _show_future,
    "asyncio.Handle": _show_handle,
    "asyncio.Queue": _show_queue,
    "asyncio.Task": _show_task,
}
"""By the package that a type comes from, and its name."""
