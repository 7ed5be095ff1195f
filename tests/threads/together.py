"""Work that several threads do at the same time; and the books that have to be right in the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from asyncsentry.client import Client

Result = TypeVar("Result")

THREADS = 8
WITHIN = 40.0
"""Seconds for all of it: whoever waits for ever fails."""


def together(*work: Callable[[], Result]) -> list[Result]:
    """Have all of it done at once, each by a thread of its own; gives what they give, and raises what they raise."""
    begin = threading.Barrier(len(work))

    def do(part: Callable[[], Result]) -> Result:
        begin.wait(WITHIN)
        return part()

    pool = ThreadPoolExecutor(len(work))
    try:
        return list(pool.map(do, work, timeout=WITHIN))
    finally:
        pool.shutdown(wait=False)


def settled(client: Client[Any]) -> dict[str, int]:
    """What became of all errors and messages, each counted once: nothing is left, and nothing is missing."""
    account = client.stats()["error"]
    fates = {"delivered": account.delivered, "limited": account.limited, "unknown": account.unknown}
    fates |= {reason: quantity for reason, quantity in account.lost.items() if quantity}
    assert account.queued == account.in_flight == account.spooled == 0
    assert sum(fates.values()) == account.captured
    return {fate: quantity for fate, quantity in fates.items() if quantity}
