"""What an awkward local costs the thread that captures the error it is in, and how large it makes the event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import bodies
import sink
from awkward import VALUES, with_local
from cases.arrival import count
from cases.case import Case, Figures, NotOffered, Setting
from cases.paced import WARM_UP, Paced, microseconds

MOST_CALLS: Final = 5
"""Some take seconds, and hundreds of megabytes."""
PATIENCE: Final = 60.0
"""Seconds for one event to be sent."""


def case(name: str, make_value: Callable[[], object]) -> Case:
    async def measure(setting: Setting) -> Figures:
        sdk = setting.begin("on")

        def capture(error: Exception) -> None:
            try:
                sdk.capture(error)
            except Exception as raised:
                raise NotOffered(f"the capture itself raises {type(raised).__name__}") from raised

        async def drain() -> None:
            await sdk.drain(PATIENCE)

        await Paced(lambda: with_local(VALUES["plain"]), sdk.capture, drain).run(WARM_UP)
        before = count(setting)
        paced = Paced(lambda: with_local(make_value), capture, drain)
        first = await paced.run(1)
        size = len(bodies.decoded(sink.latest(setting.url))) if count(setting) > before else 0
        again = await paced.run(min(setting.calls, MOST_CALLS))
        return {
            "first": microseconds([sample.wall for sample in first]) / 1000,
            "again": microseconds([sample.wall for sample in again]) / 1000,
            "event kB": size / 1000,
        }

    told = f"capture of an error with one local: {name}"
    return Case(told, measure, ("first", "again", "event kB"), unit="ms; an event of 0 kB is one that was not sent")


STUMBLING: Final = {f"awkward-{name.replace(' ', '-')}": case(name, make) for name, make in VALUES.items()}
