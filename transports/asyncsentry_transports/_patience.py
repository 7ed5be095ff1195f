"""How long an end is waited for, in seconds; the same in every style."""

from __future__ import annotations

import time

from asyncsentry.transport.settings import Settings

SOON = 0.05
"""A loop, run or reactor that is ending still waits for turns with a shorter delay."""

PATIENCE = 1.0
"""What a transport's close gives a loop, run, hub, reactor or thread to end what is ours there."""

_SHARE = 0.75
"""Of `Settings.shutdown_timeout`: the rest of it is left to the program, which may end next, for a last try."""


class Vigil:
    """The end of a loop, run or reactor that is held up until what is under way there has landed."""

    def __init__(self, settings: Settings) -> None:
        self.longest = settings.shutdown_timeout * _SHARE
        """For how many seconds it is held up at most."""
        self._since: float | None = None

    def begin(self) -> None:
        self._since = time.monotonic()

    def hear(self) -> None:
        """Something has landed."""
        if self._since is not None:
            self._since = time.monotonic()

    @property
    def in_vain(self) -> float:
        """For how many seconds it has been held up without hearing anything."""
        return 0.0 if self._since is None else time.monotonic() - self._since
