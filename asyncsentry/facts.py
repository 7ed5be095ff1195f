"""What is true of the whole program and takes a moment to find out: its release, its packages.

Found out once, in a short-lived thread that the first capture starts, so neither ``init`` nor an event loop waits for
a disk. An event that is encoded before that is done goes without its packages; sending waits for the release.
"""

from __future__ import annotations

import logging
from _thread import start_new_thread
from collections.abc import Mapping
from threading import Event, Lock
from typing import Any

logger = logging.getLogger("asyncsentry")


class Facts:
    """``release`` is what the application said, or None to find it out."""

    def __init__(self, release: str | None, project_root: str, environ: Mapping[str, str]) -> None:
        self.release = release
        self.modules: Mapping[str, str] = {}
        self._project_root = project_root
        self._environ = environ
        self._lock = Lock()
        self._asked = False
        self._known = Event()

    @property
    def known(self) -> bool:
        """Whether finding out is done."""
        return self._known.is_set()

    def fields(self) -> dict[str, Any]:
        """What is known so far, as fields of an event."""
        fields: dict[str, Any] = {"release": self.release} if self.release else {}
        if self.modules:
            fields["modules"] = self.modules
        return fields

    def find_out(self) -> None:
        """Begin, if nobody has. May be called from anywhere."""
        if self._asked or not self._lock.acquire(blocking=False):
            return
        try:
            if self._asked:
                return
            self._asked = True
        finally:
            self._lock.release()
        try:
            start_new_thread(self._find_out, ())  # `threading.Thread` takes locks that a finalizer must not wait for
        except RuntimeError:  # no new thread at the end of the interpreter
            self._find_out()

    def wait(self, timeout: float) -> None:
        """Wait, blocking, until finding out is done."""
        self._known.wait(timeout)

    def _find_out(self) -> None:
        from asyncsentry.events.modules import installed_modules
        from asyncsentry.release import detect

        try:
            if self.release is None:
                self.release = detect(self._environ, self._project_root)
            self.modules = installed_modules()
        except Exception:
            logger.debug("release or packages could not be found out", exc_info=True)
        finally:
            self._known.set()
