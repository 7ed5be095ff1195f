"""What the capture of an error costs the thread that captures it, after some breadcrumbs, which are in each event."""

from __future__ import annotations

from typing import Final

from cases.case import Case, Figures, Setting
from cases.paced import COLUMNS
from cases.sending import sending
from sdks import Adapter, Mode
from workloads import WORKLOADS, Make

TOLD: Final = {
    "shallow": "three frames, few locals",
    "mid": "ten frames of ten locals",
    "deep": "thirty frames of ten locals",
    "chain": "three linked errors",
    "group": "a group of five errors and a group",
}

BREADCRUMBS: Final = 10


def after_breadcrumbs(setting: Setting, mode: Mode) -> Adapter:
    """The SDK, set up; if it has breadcrumbs, it has some of them. Raises `NotOffered`."""
    sdk = setting.begin(mode)
    if sdk.add_breadcrumb is not None:
        for number in range(BREADCRUMBS):
            sdk.add_breadcrumb(f"breadcrumb {number}")
    return sdk


def case(name: str, make: Make) -> Case:
    async def measure(setting: Setting) -> Figures:
        return await sending(setting, make, after_breadcrumbs(setting, "on").capture)

    return Case(f"capture of an error: {TOLD[name]} ({name})", measure, COLUMNS)


async def with_hook(setting: Setting) -> Figures:
    return await sending(setting, WORKLOADS["mid"], after_breadcrumbs(setting, "seen").capture)


CAPTURING: Final = {name: case(name, make) for name, make in WORKLOADS.items()} | {
    "before-send": Case(
        "capture of an error: mid, with a hook that is given each event and returns it", with_hook, COLUMNS
    )
}
