"""``asyncsentry transports``: which there are, which can be used, and what the others need."""

from __future__ import annotations

import os
import sys

from asyncsentry import registry
from asyncsentry.cli.ink import Ink, ink_for
from asyncsentry.cli.show import WIDTH, cut
from asyncsentry.errors import MissingExtraError, TransportError

_STATE = len("installed")


def run() -> int:
    """Print a line for each name. 0 always: what is missing may not be needed."""
    ink = ink_for(sys.stdout)
    names = registry.names()
    width = max(map(len, names))
    print("The DSN names one (threaded+https://KEY@HOST/PROJECT), or the option transport does.\n")
    for name in names:
        print(f"   {name.ljust(width)}  {_state(name, WIDTH - width - _STATE - 7, ink)}")
    print(f"\nWhere neither does: {registry.choose(None, None, os.environ).name}.")
    return 0


def _state(name: str, width: int, ink: Ink) -> str:
    """Whether it can be used; what for, or what it takes."""
    try:
        factory = registry.find(name)
    except MissingExtraError:
        command = f'pip install "asyncsentry[{registry.EXTRAS[name]}]"'
        return f"{ink.bad('missing'.ljust(_STATE))}  {command}"
    except TransportError as error:
        return f"{ink.bad('broken'.ljust(_STATE))}  {cut(str(error), width)}"
    purpose = sys.modules[factory.__module__].__doc__ or ""
    return f"{ink.good('installed')}  {cut(purpose.strip().partition(chr(10))[0], width)}"
