"""How much of each kind one envelope may carry: more of it is a 413 for the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from asyncsentry.testing.refusals import MalformedEnvelope

KIB: Final = 1024
MIB: Final = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limit:
    """What the items of some kinds may be together: so many, and so many bytes."""

    kinds: tuple[str, ...]
    count: int
    size: int


LIMITS: Final = (
    Limit(("event", "transaction", "feedback", "replay_event", "security", "form_data"), 1, MIB),
    Limit(("attachment", "user_report"), 30, 200 * MIB),
    Limit(("session", "sessions"), 100, 10 * MIB),
    Limit(("client_report",), 100, 100 * KIB),
    Limit(("check_in",), 1, 100 * KIB),
    Limit(("log container",), 1, 12 * MIB),
    Limit(("trace_metric container",), 1, 12 * MIB),
    Limit(("span container",), 1, 12 * MIB),
    Limit(("span",), 25, 12 * MIB),
    Limit(("profile",), 1, 50 * MIB),
    Limit(("profile_chunk",), 1, 50 * MIB),
)
"""Relay's defaults. "container" is an item that holds several of its kind."""


def check_limits(items: Iterable[tuple[str, int]]) -> None:
    """Refuse items, given as kind and size, that are too many or too big together."""
    found = list(items)
    for limit in LIMITS:
        sizes = [size for kind, size in found if kind in limit.kinds]
        if len(sizes) > limit.count or sum(sizes) > limit.size:
            raise MalformedEnvelope(413, f"envelope exceeded size limits for type {limit.kinds[0]!r}")
