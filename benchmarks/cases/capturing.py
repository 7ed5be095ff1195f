"""What the capture of an error costs the thread that captures it."""

from __future__ import annotations

from typing import Final

from cases.arrival import count, has_arrived
from cases.case import Case, Figures, Setting
from cases.paced import COLUMNS, WARM_UP, Cooler, Paced, figures
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
        sdk = setting.sdk
        sdk.init(setting.url, "on", OrderError)
        before = count(setting)
        paced = Paced(make, sdk.capture, sdk.drain)
        await paced.run(WARM_UP)
        warm = await paced.run(setting.calls)
        cool = await paced.run(setting.calls, between=Cooler())
        has_arrived(setting, before, len(warm) + len(cool) + WARM_UP)
        return figures(warm, cool)

    return Case(f"capture of an error: {TOLD[name]} ({name})", measure, COLUMNS)


CAPTURING: Final = {name: case(name, make) for name, make in WORKLOADS.items()}
