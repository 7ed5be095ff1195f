"""Calls of which each sends something, first in a warm loop, then with other work in between."""

from __future__ import annotations

from collections.abc import Callable

from cases.arrival import count, has_arrived
from cases.case import Figures, Setting
from cases.paced import WARM_UP, Cooler, Paced, Subject, figures


async def sending(setting: Setting, make: Callable[[], Subject], call: Callable[[Subject], object]) -> Figures:
    """The figures of such a call, on an SDK that is set up here. Raises if what it sends does not arrive."""
    before = count(setting)
    paced = Paced(make, call, setting.sdk.drain)
    await paced.run(WARM_UP)
    warm = await paced.run(setting.calls)
    cool = await paced.run(setting.calls, between=Cooler())
    has_arrived(setting, before, WARM_UP + len(warm) + len(cool))
    return figures(warm, cool)
