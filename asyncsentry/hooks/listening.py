"""What a library logs to one logger: that is how it announces the errors that nobody caught.

A filter on the logger, which is the place `logging` offers for it, hears all of it, whatever handlers there are. A
logger that is disabled asks no filters, and ``dictConfig`` disables all that there are unless it is told not to. So
that nobody loses these errors by configuring logs, the logger's own ``error`` is watched for that case alone.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

from asyncsentry.hooks.place import Uninstall

Listener: TypeAlias = Callable[[logging.LogRecord], None]


def _let_pass(_record: logging.LogRecord, /) -> None:
    """The listener where there is none."""


class Listening:
    """Lets one listener hear the records of one logger. As a filter it lets every record pass."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)
        self._listener: Listener = _let_pass

    def listen(self, listener: Listener) -> Uninstall:
        """Let ``listener`` hear every record from now on, instead of the listener before it.

        What it gives takes off whatever is equal to ``listener``.
        """
        self._listener = listener
        self._logger.addFilter(self)
        vars(self._logger).setdefault("error", self.error)

        def leave() -> None:
            if self._listener == listener:
                self._listener = _let_pass
                self._logger.removeFilter(self)
                if vars(self._logger).get("error") == self.error:
                    del vars(self._logger)["error"]

        return leave

    def covers(self, record: logging.LogRecord) -> bool:
        """Whether the record is one of those that the listener hears."""
        return record.name == self._logger.name and self._listener is not _let_pass

    def __call__(self, record: logging.LogRecord) -> bool:
        self._listener(record)
        return True

    def error(self, message: object, *args: object, exc_info: Any = None, stacklevel: int = 1, **others: Any) -> None:
        """Stands in for the logger's ``error``."""
        logger = self._logger
        if logger.disabled and logger.getEffectiveLevel() <= logging.ERROR:
            error = sys.exc_info() if exc_info is True else exc_info
            caller = sys._getframe(stacklevel)
            code = caller.f_code
            self(
                logging.LogRecord(
                    logger.name, logging.ERROR, code.co_filename, caller.f_lineno, message, args, error, code.co_name
                )
            )
        logging.Logger.error(logger, message, *args, exc_info=exc_info, stacklevel=stacklevel + 1, **others)
