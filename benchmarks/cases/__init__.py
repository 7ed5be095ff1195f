"""What is measured. A case runs on one SDK, in a process of its own, with a loop running, and gives its figures."""

from __future__ import annotations

from typing import Final

from cases.capturing import CAPTURING
from cases.case import Case
from cases.nothing import NOTHING
from cases.small import SMALL
from cases.steady import STEADY
from cases.storms import STORMS
from cases.stumbling import STUMBLING

CASES: Final[dict[str, Case]] = CAPTURING | STUMBLING | NOTHING | SMALL | STORMS | STEADY
