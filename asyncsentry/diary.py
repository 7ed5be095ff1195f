"""What the SDK says about itself, in the log named ``asyncsentry``. No hook listens there."""

from __future__ import annotations

import logging
from contextlib import suppress

logger = logging.getLogger("asyncsentry")

_PRINTER = "asyncsentry-debug"


def _handle(record: logging.LogRecord) -> None:
    """A handler or a filter of the application's that fails is no reason for a capture to fail."""
    with suppress(Exception):
        logging.Logger.handle(logger, record)


logger.handle = _handle  # type: ignore[method-assign]  # for this one logger alone


def show() -> None:
    """Print it all on standard error, as the option ``debug`` asks for."""
    logger.setLevel(logging.DEBUG)
    if not any(handler.get_name() == _PRINTER for handler in logger.handlers):
        handler = logging.StreamHandler()
        handler.set_name(_PRINTER)
        handler.setFormatter(logging.Formatter("asyncsentry %(levelname)s: %(message)s"))
        logger.addHandler(handler)


class Complaints:
    """What the application has to mend: each thing is said loudly once, and after that only at DEBUG."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def failed(self, function: str, consequence: str) -> None:
        """One of the application's functions raised what is being handled right now."""
        self._say(logging.ERROR, f"{function} failed", consequence, in_full=True)

    def wrong(self, mistake: str, consequence: str) -> None:
        """Something was given to us, or returned, that is not what it should be."""
        self._say(logging.WARNING, mistake, consequence, in_full=False)

    def _say(self, level: int, what: str, consequence: str, *, in_full: bool) -> None:
        said = what in self._said
        self._said.add(what)
        logger.log(logging.DEBUG if said else level, "%s: %s", what, consequence, exc_info=in_full)
