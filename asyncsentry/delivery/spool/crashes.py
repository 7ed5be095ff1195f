"""What is found of processes that crashed, from the text that tells of it to its events on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from asyncsentry.delivery.spool import names
from asyncsentry.delivery.spool.folder import Folder

logger = logging.getLogger("asyncsentry")


@dataclass(frozen=True, slots=True)
class Crash:
    """What `faulthandler` wrote in a process that is gone. ``seconds`` since the epoch is when it was written.

    ``origin`` is the same, and no other crash's, whenever this one is reported.
    """

    text: str
    seconds: float
    origin: str


Report: TypeAlias = Callable[[Crash], bool]
"""Captures a crash, or counts it as lost; False if nothing is captured any more."""


def ignore(_crash: Crash) -> bool:
    """What is done with a crash where nobody asked for it."""
    logger.debug("a process crashed, and report_fatal_errors is off")
    return True


class Crashes:
    """The crashes that a folder holds. Used by one thread at a time; nothing raises.

    A text is the only copy of its crash: it is there until all that was captured of it is on disk or is settled. If
    this process crashes before, the next reports it, under the same ids.
    """

    def __init__(self, folder: Folder, report: Report) -> None:
        self._folder = folder
        self._report = report
        self._reported: list[str] = []

    @property
    def reported(self) -> bool:
        """Whether texts are to go as soon as what was captured is on disk: see `forget_reported`."""
        return bool(self._reported)

    def report_next(self) -> bool:
        """Report one; False if there is none, or none can be captured now."""
        waiting = self._folder.crashes
        while waiting:
            name = waiting.popleft()
            try:
                text, seconds = self._folder.read_crash(name)
            except OSError:  # it is gone, or is left to the next process
                logger.debug("what tells of a crash cannot be read", exc_info=True)
                continue
            taken = self._try_report(Crash(text, seconds, names.origin(name)))
            (self._reported if taken else waiting).append(name)
            return taken
        return False

    def forget_reported(self) -> None:
        """All that was captured is on disk, or is settled."""
        while self._reported:
            try:
                self._folder.remove(self._reported.pop())
            except OSError:
                logger.debug("what tells of a crash cannot be removed", exc_info=True)

    def _try_report(self, crash: Crash) -> bool:
        try:
            return self._report(crash)
        except Exception:
            logger.debug("a crash cannot be reported", exc_info=True)
            return True  # or else no process would ever get beyond it
