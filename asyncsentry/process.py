"""What happens to the process: its end, and its forks. Clients are told, for as long as they live."""

from __future__ import annotations

import atexit
import os
from typing import Protocol
from weakref import WeakSet


class Resident(Protocol):
    """Something that has to know."""

    def at_exit(self) -> None:
        """The program is done; threads of this process still run, new ones may not start (from Python 3.12 on)."""
        ...

    def after_fork(self) -> None:
        """This is the child: no thread but this one is here, and what the parent was doing is the parent's to do."""
        ...


_residents: WeakSet[Resident] = WeakSet()


def settle(resident: Resident) -> None:
    """Tell ``resident`` from now on. It is not kept alive by this."""
    _residents.add(resident)


def unsettle(resident: Resident) -> None:
    """Tell it no more."""
    _residents.discard(resident)


def _tell_exit() -> None:
    for resident in list(_residents):
        resident.at_exit()


def _tell_fork() -> None:
    for resident in list(_residents):
        resident.after_fork()


atexit.register(_tell_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_tell_fork)
