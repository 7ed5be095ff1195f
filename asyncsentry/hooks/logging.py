"""Log records: those of ERROR and above become events, those of INFO and above breadcrumbs of the events to come.

What is patched is ``logging.Logger.filter``, which is asked of every record that is to be handled: a handler would be
lost to ``dictConfig`` and miss loggers that do not propagate. What it lets through is heard as it says so, and not
while handlers are called: a handler that fails has the stack of its call printed, and we are not on it.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from asyncsentry import own
from asyncsentry.events.attributes import level_name
from asyncsentry.events.breadcrumbs import CATEGORY_LIMIT
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.messages import formatted, guarded
from asyncsentry.events.rules import MESSAGE_LIMIT
from asyncsentry.hooks import asyncio_tasks
from asyncsentry.hooks.place import Hook, Listeners, Place, Uninstall, step_out, tell

if TYPE_CHECKING:
    from asyncsentry.client import Client

_MECHANISM = Mechanism("logging", handled=True)
_NEVER = sys.maxsize


def _passed(previous: Hook, listeners: Listeners) -> Hook:
    """What tells the listener of the records that pass; from Python 3.12 on a filter may give another in its place."""

    def hook(logger: logging.Logger, record: logging.LogRecord) -> Any:
        try:
            passed = previous(logger, record)
        except BaseException as error:
            step_out(error)
            raise
        if passed:
            tell(listeners, logger, passed if isinstance(passed, logging.LogRecord) else record)
        return passed

    return hook


_FILTER = Place(logging.Logger, "filter", _passed)

_LEVELS = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warning", logging.ERROR: "error"}
"""The levels that nearly all records have; others take a longer way."""

_OWN = frozenset(vars(logging.makeLogRecord({})))
"""The attributes of every record."""

_STANDARD = _OWN | {"message", "asctime", "taskName"}
"""Those that a record gets without anybody's asking; what else it has came in ``extra``."""

_ignored: tuple[str, ...] = ("asyncsentry.",)
"""The loggers that are not heard, each with a dot at its end: the SDK's own, and what `ignore_logger` adds."""

_claims: list[Callable[[logging.LogRecord], bool]] = [asyncio_tasks.claims]
"""Which records others report."""


def install(
    client: Client[Any], *, event_level: int | None = logging.ERROR, breadcrumb_level: int | None = logging.INFO
) -> Uninstall:
    """Hear the records of every logger. ``None`` for a level: none becomes an event, or a breadcrumb."""
    return _FILTER.listen(_Listener(client, event_level, breadcrumb_level).hear)


def ignore_logger(name: str) -> None:
    """Hear no more of the logger ``name`` and those below it. Its own handlers still get its records."""
    global _ignored
    _ignored = (*_ignored, f"{name}.")


def claim(claims: Callable[[logging.LogRecord], bool]) -> Uninstall:
    """Hear no more of the records for which this is true: of errors that whoever calls this reports itself, better."""
    _claims.append(claims)

    def uninstall() -> None:
        if claims in _claims:
            _claims.remove(claims)

    return uninstall


class _Inside(threading.local):
    """Whether this thread is in the middle of hearing a record: what is logged meanwhile would never end."""

    hearing = False


class _Listener:
    """Turns the records that one client wants into events and breadcrumbs."""

    def __init__(self, client: Client[Any], event_level: int | None, breadcrumb_level: int | None) -> None:
        self._client = client
        self._event_level = _NEVER if event_level is None else event_level
        self._breadcrumb_level = _NEVER if breadcrumb_level is None else breadcrumb_level
        self._lowest_level = min(self._event_level, self._breadcrumb_level)
        self._inside = _Inside()

    def hear(self, _logger: logging.Logger, record: logging.LogRecord, /) -> None:
        level = record.levelno
        if level < self._lowest_level or self._inside.hearing or own.at_work() or _is_ignored(record):
            return
        self._inside.hearing = True
        try:
            if level >= self._event_level:
                _report(self._client, record)
            if level >= self._breadcrumb_level:
                _add_breadcrumb(self._client, record)
        finally:
            self._inside.hearing = False


def _report(client: Client[Any], record: logging.LogRecord) -> None:
    error = _error_of(record)
    level, hint = _level(record), {"log_record": record}
    event: dict[str, object] = {"logger": record.name, "extra": _extra(record)}
    if error is None:
        stack = record.stack_info is not None
        client.report_message(record.msg, record.args, level=level, event=event, hint=hint, stack=stack)
    else:
        event |= {"level": level, "logentry": {"message": record.msg, "params": record.args}}
        client.report(error, _MECHANISM, event=event, hint=hint)


def _add_breadcrumb(client: Client[Any], record: logging.LogRecord) -> None:
    name, message, when, extra = record.name, _formatted(record), record.created, _extra(record)
    crumb = {
        "timestamp": when,
        "type": "log",
        "category": name,
        "level": _level(record),
        "message": message,
        "data": extra,
    }
    usual = not extra and type(when) is float and type(name) is str and type(message) is str
    # What is complete is not looked at again, which would cost as much as all the rest.
    complete = usual and len(name) <= CATEGORY_LIMIT and len(message) <= MESSAGE_LIMIT
    client.report_breadcrumb(crumb, {"log_record": record}, complete=complete)


def _is_ignored(record: logging.LogRecord) -> bool:
    if f"{record.name}.".startswith(_ignored):
        return True
    for claims in _claims:  # noqa: SIM110  # `any` takes twice as long, and this is for every record
        if claims(record):
            return True
    return False


def _level(record: logging.LogRecord) -> str:
    return _LEVELS.get(record.levelno) or level_name(int(record.levelno)) or "info"


def _extra(record: logging.LogRecord) -> dict[str, object]:
    fields = vars(record)
    if len(fields) == len(_OWN):  # as of nearly all records
        return {}
    return {name: value for name, value in fields.items() if name not in _STANDARD}


def _formatted(record: logging.LogRecord) -> str:
    """The record's message; its template, where the arguments do not fit it or cannot be shown."""
    if type(record) is logging.LogRecord:
        return formatted(record.msg, record.args)

    def ask(freezer: Freezer) -> str:
        own = freezer.ask(lambda record: record.getMessage(), record)
        return freezer.text(record.msg if own is None else own)

    return guarded(ask)


def _error_of(record: logging.LogRecord) -> BaseException | None:
    """The record's error, whatever somebody has put in its place."""
    info: Any = record.exc_info
    error = info[1] if type(info) is tuple and len(info) == 3 else None
    return error if issubclass(type(error), BaseException) else None
