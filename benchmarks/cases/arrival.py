"""Whether what a case measures happened: an SDK that sends nothing is fast."""

from __future__ import annotations

from typing import Final

import sink
from cases.case import Setting

MOST: Final = 0.8
"""The share that has to arrive: raven takes some errors for ones that it has seen."""


def count(setting: Setting) -> int:
    """How many events have arrived."""
    return sink.seen(setting.url).events


def has_arrived(setting: Setting, before: int, captured: int) -> None:
    """Raise if most of them did not arrive."""
    arrived = count(setting) - before
    if arrived < MOST * captured:
        raise AssertionError(f"only {arrived} of {captured} events have arrived")


def has_not_arrived(setting: Setting, before: int, captured: int) -> None:
    """Raise if they did."""
    arrived = count(setting) - before
    if arrived > (1 - MOST) * captured:
        raise AssertionError(f"{arrived} of {captured} events have arrived that were to end in nothing")
