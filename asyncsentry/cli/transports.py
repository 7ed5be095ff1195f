"""``asyncsentry transports``: which there are, which can be used, and what the others need."""

from __future__ import annotations

import os
import sys
from textwrap import wrap

from asyncsentry import registry
from asyncsentry.cli.ink import Ink, ink_for
from asyncsentry.cli.show import WIDTH
from asyncsentry.errors import MissingExtraError, TransportError


def run() -> int:
    """Print a row for each name. 0 always: what is missing may not be needed."""
    ink = ink_for(sys.stdout)
    names = registry.names()
    width = max(map(len, names))
    print("The DSN names one (threaded+https://KEY@HOST/PROJECT), or the option transport does.\n")
    for name in names:
        state, text = _state(name, ink)
        margin = f"   {name.ljust(width)}  {' ' * len('installed')}  "
        first, *others = wrap(text, WIDTH - len(margin)) or [""]
        print(f"   {name.ljust(width)}  {state}  {first}", *(" " * len(margin) + line for line in others), sep="\n")
    for claim in registry.shadowed():
        print(f"\n{ink.bad('Not used:')} {claim}, as that name is ours.")
    print(f"\nWhere neither does: {registry.choose(None, None, os.environ).name}.")
    return 0


def _state(name: str, ink: Ink) -> tuple[str, str]:
    """Whether it can be used, and what for or what it takes."""
    try:
        factory = registry.find(name)
    except MissingExtraError:
        return ink.bad("missing  "), f'pip install "asyncsentry[{registry.EXTRAS[name]}]"'
    except TransportError as error:
        return ink.bad("broken   "), str(error)
    purpose = sys.modules[factory.__module__].__doc__ or ""
    return ink.good("installed"), purpose.strip().partition("\n")[0]
