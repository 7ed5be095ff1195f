"""What an awkward local, or file, costs the thread that captures the error it is in, and how large the event is."""

from __future__ import annotations

from functools import partial
from typing import Final

import bodies
import sink
from awkward import VALUES, in_long_file, with_local
from cases.arrival import count
from cases.case import Case, Figures, NotOffered, Setting
from cases.paced import WARM_UP, Paced, microseconds
from workloads import Make

MOST_CALLS: Final = 5
"""Some take seconds, and hundreds of megabytes."""
PATIENCE: Final = 60.0
"""Seconds for one event to be sent."""


def case(told: str, make: Make) -> Case:
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
        paced = Paced(make, capture, drain)
        first = await paced.run(1)
        size = len(bodies.decoded(sink.latest(setting.url))) if count(setting) > before else 0
        again = await paced.run(min(setting.calls, MOST_CALLS))
        return {
            "first": microseconds([sample.wall for sample in first]) / 1000,
            "again": microseconds([sample.wall for sample in again]) / 1000,
            "event kB": size / 1000,
        }

    return Case(told, measure, ("first", "again", "event kB"), unit="ms; an event of 0 kB is one that was not sent")


STUMBLING: Final = {
    f"awkward-{name.replace(' ', '-')}": case(
        f"capture of an error with one local: {name}", partial(with_local, make_value)
    )
    for name, make_value in VALUES.items()
} | {
    "awkward-file": case(
        "capture of an error in ten new places near the end of a file of 20,000 lines",
        in_long_file(1 + MOST_CALLS).__next__,
    ),
}
