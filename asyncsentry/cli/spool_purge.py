"""``asyncsentry spool purge``: what is to be sent no more."""

from __future__ import annotations

import os
import time

from asyncsentry.cli import quantities
from asyncsentry.delivery.spool.visit import visit

DAY = 86400.0


def run(path: str, days: float) -> int:
    """Remove what no running program has, and is older than so many days; say how much. 0 always."""
    with visit(path) as visitor:
        files = visitor.files()
        old = [each for each in files if not each.held and each.age >= days * DAY]
        for each in old:
            each.remove()
        for name in visitor.aside():
            if time.time() - os.path.getmtime(name) >= days * DAY:
                os.remove(name)
    print(f"Removed {quantities.envelopes(len(old))}, {quantities.size(sum(each.size for each in old))}.")
    held = sum(each.held for each in files)
    if held:
        print(f"Left {quantities.envelopes(held)} to the running programs that hold them.")
    return 0
