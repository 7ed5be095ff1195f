"""Chance, which sampling and pauses depend on."""

from __future__ import annotations


def uniform() -> float:
    """A number from 0 to 1; what makes them is loaded when the first is wanted."""
    from random import random

    return random()
