"""What is true of the whole program and takes a moment to find out: its release, its packages.

Found out once, in a short-lived thread that the first capture starts, so neither ``init`` nor an event loop waits for
a disk. An event that is encoded before that is done goes without its packages; sending waits for the release.
"""

from __future__ import annotations

import logging
import time
from _thread import get_ident, start_new_thread
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from asyncsentry import process
from asyncsentry.events.attributes import release_problem

logger = logging.getLogger("asyncsentry")

NEEDED: Final = (
    "asyncsentry.events.hiding",
    "asyncsentry.events.trimming",
    "asyncsentry.json",
    "asyncsentry.post",
    "encodings.idna",
    "ipaddress",
)
"""What captures and sending may import yet: here, so that no loop waits for it, that no thread is in an import of ours
when the program forks (the child would wait for that import for ever), and that it is there when no file can be opened
any more, or when the interpreter ends."""

GLANCE: Final = 0.005
"""Seconds between two looks at whether all is known."""


class Facts:
    """``release`` is what the application said, or None to find it out."""

    def __init__(self, release: str | None, project_root: str, environ: Mapping[str, str]) -> None:
        self._release_given = release is not None
        self.release = accepted("release", release, release_problem)
        self.modules: Mapping[str, str] = {}
        self._project_root = project_root
        self._environ = environ
        self._unasked = deque([True])
        self._under_way = False
        self._finder: int | None = None
        self.known = False
        """Whether finding out is done."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields that an event cannot have yet."""
        if self.known:
            return ()
        return ("modules",) if self._release_given else ("modules", "release")

    def fields(self) -> dict[str, Any]:
        """What is known so far, as fields of an event."""
        fields: dict[str, Any] = {"release": self.release} if self.release else {}
        if self.modules:
            fields["modules"] = self.modules
        return fields

    def find_out(self) -> None:
        """Begin, if nobody has. May be called from anywhere."""
        if not self._unasked:
            return
        with process.loading:  # not while a fork waits for such threads to be done
            self._begin()

    def find_out_early(self) -> None:
        """The same, by whoever captures; in a patched program it is left to the first turn.

        There it is a greenlet that begins, and would never get on in a thread whose hub does not run.
        """
        if not process.patched():
            self.find_out()

    def _begin(self) -> None:
        try:
            self._unasked.pop()
        except IndexError:
            return
        self._under_way = True
        try:
            start_new_thread(self._find_out, ())  # `threading.Thread` takes locks that a finalizer must not wait for
        except RuntimeError:  # no new thread at the end of the interpreter
            self._find_out()

    def wait(self, timeout: float) -> None:
        """Wait, blocking, until finding out is done, if it has begun.

        By looking again and again: a signal handler that waits, too, would find a lock taken by who it interrupted. And
        not in the thread that finds out, where a finalizer may capture: it would wait for itself.
        """
        deadline = time.monotonic() + timeout
        while self._under_way and self._finder != get_ident() and time.monotonic() < deadline:
            time.sleep(GLANCE)

    def _find_out(self) -> None:
        self._finder = get_ident()
        try:
            load_needed()
            self._detect()
        except Exception:
            logger.debug("release or packages could not be found out", exc_info=True)
        finally:
            self.known = True
            self._under_way = False

    def _detect(self) -> None:
        from asyncsentry.events.modules import installed_modules
        from asyncsentry.release import detect

        if not self._release_given:
            self.release = accepted("release", detect(self._environ, self._project_root), release_problem)
        self.modules = installed_modules()


def load_needed() -> None:
    """Import all that is `NEEDED`."""
    from importlib import import_module

    for name in NEEDED:
        import_module(name)


def accepted(what: str, name: str | None, problem_of: Callable[[str], str | None]) -> str | None:
    """The name as servers take it; None, and a warning, for one that they would refuse."""
    problem = problem_of(name) if name else None
    if problem is not None:
        logger.warning("%s=%r is not sent, as servers refuse it: %s", what, name, problem)
        return None
    return name and name.strip()
