"""Errors in asyncio that nobody awaited: of tasks, futures, callbacks and transports.

Whatever its implementation, a loop without an exception handler of the application's own logs them to the logger
``asyncio``, with the error attached. So those of every loop are heard with nothing to set up for each. Where the
application handles them itself nothing is logged, and nothing claimed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.messages import formatted
from asyncsentry.hooks.listening import Listening
from asyncsentry.hooks.place import Uninstall

if TYPE_CHECKING:
    from asyncsentry.client import Client

_LOGGED = Listening("asyncio")
_MECHANISM = Mechanism("asyncio", handled=False)


def install(client: Client[Any]) -> Uninstall:
    """Report what the loops' own exception handler logs."""
    return _LOGGED.listen(_Report(client))


def claims(record: logging.LogRecord) -> bool:
    """Whether this hook reports the record, so that no other need."""
    return record.exc_info is not None and _LOGGED.covers(record) and _unawaited(record) is not None


def _unawaited(record: logging.LogRecord) -> BaseException | None:
    error = record.exc_info[1] if record.exc_info and record.levelno >= logging.ERROR else None
    return None if issubclass(type(error), (KeyboardInterrupt, SystemExit)) else error


@dataclass(frozen=True, slots=True)
class _Report:
    """The listener: of one client the same, however often it is installed."""

    client: Client[Any]

    def __call__(self, record: logging.LogRecord) -> None:
        """With the global scope alone: an error surfaces in whatever happens to run when its task is collected."""
        error, client = _unawaited(record), self.client
        if error is not None:
            event = {"logger": record.name, "logentry": {"formatted": formatted(record.msg, record.args)}}
            client.report(error, _MECHANISM, event=event, hint={"log_record": record}, scope=client.global_only())
