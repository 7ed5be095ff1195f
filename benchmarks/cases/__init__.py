"""What is measured. A case runs on one SDK, in a process of its own, with a loop running, and gives its figures."""

from __future__ import annotations

from typing import Final

from cases.capturing import CAPTURING
from cases.case import Case
from cases.memory import MEMORY
from cases.nothing import NOTHING
from cases.outage import OUTAGE
from cases.slices import SLICES
from cases.small import SMALL
from cases.steady import STEADY
from cases.storms import STORMS
from cases.stumbling import STUMBLING
from cases.throughput import THROUGHPUT
from cases.web import WEB

CASES: Final[dict[str, Case]] = {
    **CAPTURING,
    **STUMBLING,
    **NOTHING,
    **SMALL,
    **SLICES,
    **STORMS,
    **STEADY,
    **THROUGHPUT,
    **OUTAGE,
    **WEB,
    **MEMORY,
}
