"""Numbers as people read them."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def age(seconds: float) -> str:
    """``3 min``: the largest unit of which there is a whole one."""
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "0 s"


def size(count: int) -> str:
    """``12 kB``, of 1,000 bytes each."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def envelopes(count: int) -> str:
    return "1 envelope" if count == 1 else f"{count} envelopes"
