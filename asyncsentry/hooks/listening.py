"""What a library logs to one logger: that is how it announces the errors that nobody caught.

A filter on the logger, which is the place `logging` offers for it, hears all of it, whatever handlers there are. A
logger that is disabled asks no filters, and ``dictConfig`` disables all that there are unless it is told not to. So
that nobody loses these errors by configuring logs, for that case alone their records are heard as they are made.
"""

from __future__ import annotations

import logging
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
        self._stand_ins = {"isEnabledFor": self.is_enabled_for, "makeRecord": self.make_record}

    def listen(self, listener: Listener) -> Uninstall:
        """Let ``listener`` hear every record from now on, instead of the listener before it.

        What it gives takes off whatever is equal to ``listener``.
        """
        self._listener = listener
        self._logger.addFilter(self)
        own = vars(self._logger)
        for name, method in self._stand_ins.items():
            own.setdefault(name, method)

        def leave() -> None:
            if self._listener == listener:
                self._listener = _let_pass
                self._logger.removeFilter(self)
                for name, method in self._stand_ins.items():
                    if own.get(name) == method:
                        del own[name]

        return leave

    def covers(self, record: logging.LogRecord) -> bool:
        """Whether the record is one of those that the listener hears."""
        return record.name == self._logger.name and self._listener is not _let_pass

    def __call__(self, record: logging.LogRecord) -> bool:
        self._listener(record)
        return True

    def is_enabled_for(self, level: int) -> bool:
        """Stands in for the logger's ``isEnabledFor``: what a disabled logger drops is made all the same."""
        return type(self._logger).isEnabledFor(self._logger, level) or self._drops(level)

    # Any: what the logger's own method takes.
    def make_record(self, *args: Any, **others: Any) -> logging.LogRecord:
        """Stands in for its ``makeRecord``."""
        record = type(self._logger).makeRecord(self._logger, *args, **others)
        if self._drops(record.levelno):
            self._listener(record)
        return record

    def _drops(self, level: int) -> bool:
        return self._logger.disabled and level >= max(logging.ERROR, self._logger.getEffectiveLevel())
