"""Chance, which ids, sampling and pauses depend on."""

from __future__ import annotations

import os
from typing import Final

AT_ONCE: Final = 128

_VERSION: Final = bytes(byte & 0x0F | 0x40 for byte in range(256))
_VARIANT: Final = bytes(byte & 0x3F | 0x80 for byte in range(256))

_tokens: list[str] = []
_drawn_in = 0
"""The process that drew them: one that was forked draws its own, also if nobody told Python of the fork."""


def token() -> str:
    """32 hexadecimal digits that nobody else gets: a random UUID.

    They are drawn many at a time: whoever asks the system lets other threads go first, and may wait for them.
    """
    global _drawn_in
    process = os.getpid()
    if process != _drawn_in:
        _tokens.clear()
        _drawn_in = process
    try:
        return _tokens.pop()
    except IndexError:
        digits = as_uuids(os.urandom(16 * AT_ONCE))
        _tokens.extend(digits[at : at + 32] for at in range(32, len(digits), 32))
        return digits[:32]


def as_uuids(data: bytes) -> str:
    """Bytes in hexadecimal digits, each 16 of them in the form of a random UUID (version 4)."""
    shaped = bytearray(data)
    shaped[6::16] = shaped[6::16].translate(_VERSION)
    shaped[8::16] = shaped[8::16].translate(_VARIANT)
    return shaped.hex()


def uniform() -> float:
    """A number from 0 to 1, and never 1. The program's own ``random`` gives the same numbers without us."""
    return int(token()[:12], 16) / 16**12
