"""Errors in asyncio that nobody awaited: of tasks, futures, callbacks and transports.

Whatever its implementation, a loop without an exception handler of the application's own logs them to the logger
``asyncio``, with the error attached. A filter there, which is the place `logging` offers for it, hears those of every
loop with nothing to set up for each. Where the application handles them itself nothing is logged, and nothing claimed.

A logger that is disabled asks no filters, and ``dictConfig`` disables all that there are unless it is told not to. So
that nobody loses these errors by configuring logs, the logger's own ``error`` is watched for that case alone.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from asyncsentry.events.exceptions import Mechanism
from asyncsentry.hooks.place import Uninstall

if TYPE_CHECKING:
    from asyncsentry.client import Client

_LOGGER = logging.getLogger("asyncio")
_MECHANISM = Mechanism("asyncio", handled=False)


class _Watch:
    """The filter that lets every record pass. There is one, so it is on the logger once at most."""

    client: Client[Any] | None = None

    def __call__(self, record: logging.LogRecord) -> bool:
        client, error = self.client, _unawaited(record)
        if client is not None and error is not None:
            _report(client, error, record)
        return True

    def error(self, message: object, *args: object, exc_info: Any = None, stacklevel: int = 1, **others: Any) -> None:
        """Stands in for the logger's ``error``."""
        if _LOGGER.disabled and _LOGGER.getEffectiveLevel() <= logging.ERROR:
            error = sys.exc_info() if exc_info is True else exc_info
            self(logging.LogRecord(_LOGGER.name, logging.ERROR, __file__, 0, message, args, error))
        logging.Logger.error(_LOGGER, message, *args, exc_info=exc_info, stacklevel=stacklevel + 1, **others)


_watch = _Watch()


def install(client: Client[Any]) -> Uninstall:
    """Report what the loops' own exception handler logs."""
    _watch.client = client
    _LOGGER.addFilter(_watch)
    vars(_LOGGER).setdefault("error", _watch.error)

    def uninstall() -> None:
        if _watch.client is client:
            _watch.client = None
            _LOGGER.removeFilter(_watch)
            if vars(_LOGGER).get("error") == _watch.error:
                del vars(_LOGGER)["error"]

    return uninstall


def claims(record: logging.LogRecord) -> bool:
    """Whether this hook reports the record, so that no other need."""
    return record.name == _LOGGER.name and _watch.client is not None and _unawaited(record) is not None


def _unawaited(record: logging.LogRecord) -> BaseException | None:
    error = record.exc_info[1] if record.exc_info and record.levelno >= logging.ERROR else None
    return None if issubclass(type(error), (KeyboardInterrupt, SystemExit)) else error


def _report(client: Client[Any], error: BaseException, record: logging.LogRecord) -> None:
    """Report with the global scope alone: the error surfaces in whatever happens to run when its task is collected."""
    event = {"logger": _LOGGER.name, "logentry": {"formatted": record.getMessage()}}
    client.report(error, _MECHANISM, event=event, hint={"log_record": record}, scope=client.global_only())
