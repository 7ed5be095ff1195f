"""Chance, which ids, sampling and pauses depend on."""

from __future__ import annotations

import os
from typing import Final

AT_ONCE: Final = 128

_tokens: list[str] = []


def token() -> str:
    """32 hexadecimal digits that nobody else gets.

    They are drawn many at a time: whoever asks the system lets other threads go first, and may wait for them.
    """
    try:
        return _tokens.pop()
    except IndexError:
        digits = os.urandom(16 * AT_ONCE).hex()
        _tokens.extend(digits[at : at + 32] for at in range(32, len(digits), 32))
        return digits[:32]


def uniform() -> float:
    """A number from 0 to 1; what makes them is loaded when the first is wanted."""
    from random import random

    return random()


_register_at_fork = getattr(os, "register_at_fork", lambda **_: None)  # some systems have no forks
_register_at_fork(after_in_child=_tokens.clear)
