"""What the capture of an error costs the thread that captures it."""

from __future__ import annotations

from typing import Final

from cases.case import Case, Figures, Setting
from cases.paced import COLUMNS
from cases.sending import sending
from workloads import WORKLOADS, Make, OrderError

TOLD: Final = {
    "shallow": "three frames, few locals",
    "mid": "ten frames of ten locals",
    "deep": "thirty frames of ten locals",
    "chain": "three linked errors",
    "group": "a group of five errors and a group",
}


def case(name: str, make: Make) -> Case:
    async def measure(setting: Setting) -> Figures:
        setting.sdk.init(setting.url, "on", OrderError)
        return await sending(setting, make, setting.sdk.capture)

    return Case(f"capture of an error: {TOLD[name]} ({name})", measure, COLUMNS)


CAPTURING: Final = {name: case(name, make) for name, make in WORKLOADS.items()}
