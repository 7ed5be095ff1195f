"""What is out of the outbox for the time of one request."""

from __future__ import annotations

from dataclasses import dataclass

from asyncsentry.delivery.losses import Counts
from asyncsentry.delivery.queue import Entry


@dataclass(slots=True, eq=False)
class Lease:
    """What one request carries: entries, and the losses that it reports.

    ``thread`` is the one that took it, ``report`` the number of its report (0 if it has none), ``failures`` how often
    in a row the server had failed when it was taken. ``waits`` while its body is compressed, or waits for the turn that
    sends it: nothing of it has left.
    """

    entries: list[Entry]
    losses: Counts
    thread: int
    deadline: float
    report: int
    failures: int
    waits: bool = False
