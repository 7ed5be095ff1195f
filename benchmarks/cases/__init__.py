"""What is measured. A case runs on one SDK, in a process of its own, with a loop running, and gives its figures."""

from __future__ import annotations

from typing import Final

from cases.capturing import CAPTURING
from cases.case import Case
from cases.nothing import NOTHING
from cases.small import SMALL

CASES: Final[dict[str, Case]] = CAPTURING | NOTHING | SMALL
