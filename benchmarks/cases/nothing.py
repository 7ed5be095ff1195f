"""What a capture costs that ends in nothing: its price should not depend on how deep the stack is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from cases.arrival import count, has_arrived, has_not_arrived
from cases.case import Case, Figures, NotOffered, Setting
from cases.paced import WARM_UP, Paced, Sample, microseconds, nothing
from sdks import Mode
from workloads import DEEP_FRAMES, SHALLOW_FRAMES, WORKLOADS

DEPTHS: Final = ("shallow", "deep")
COLUMNS: Final = ("shallow", "deep")
FRAMES: Final = DEEP_FRAMES - SHALLOW_FRAMES
"""By so many the second is deeper than the first."""


Run = Callable[[Paced[Exception], int], Awaitable[list[Sample]]]
"""Makes so many calls."""


async def _captures(setting: Setting, drain: Callable[[], object], run: Run = Paced.run) -> Figures:
    found: dict[str, list[Sample]] = {}
    for depth in DEPTHS:
        paced = Paced(WORKLOADS[depth], setting.sdk.capture, drain)
        await run(paced, WARM_UP)
        found[depth] = await run(paced, setting.calls)
    return {depth: microseconds([sample.wall for sample in samples]) for depth, samples in found.items()}


async def _in_vain(setting: Setting) -> Figures:
    """Captures of which none is sent. Raises if some are."""
    before = count(setting)
    figures = await _captures(setting, nothing)
    await setting.sdk.drain()
    has_not_arrived(setting, before, len(DEPTHS) * (WARM_UP + setting.calls))
    return figures


async def never_initialised(setting: Setting) -> Figures:
    if not setting.sdk.works_uninitialised:
        raise NotOffered("capturing needs a client that is set up")
    return await _in_vain(setting)


async def rate_limited(setting: Setting) -> Figures:
    """The server answers 429. An SDK that sends all the same is drained each time, so that its queue stays short."""
    if "limited" not in setting.sdk.modes:
        raise NotOffered("it takes no notice of limits")
    setting.begin("limited")
    setting.sdk.capture(WORKLOADS["shallow"]())
    await setting.sdk.drain()
    return await _captures(setting, setting.sdk.drain)


async def duplicate(setting: Setting) -> Figures:
    """Each error was captured, and sent, just before."""
    if not setting.sdk.knows_again:
        raise NotOffered("it sends an error as often as it is captured")
    sdk = setting.begin("on")

    async def again(error: Exception) -> Sample:
        sdk.capture(error)
        await sdk.drain()
        [sample] = await Paced(lambda: error, sdk.capture, nothing).run(1)
        return sample

    async def run(paced: Paced[Exception], calls: int) -> list[Sample]:
        return [await again(paced.make()) for _ in range(calls)]

    before = count(setting)
    figures = await _captures(setting, nothing, run)
    await sdk.drain()
    errors = len(DEPTHS) * (WARM_UP + setting.calls)
    has_arrived(setting, before, errors)
    has_not_arrived(setting, before + errors, errors)
    return figures


async def flooded(setting: Setting) -> Figures:
    """One error of each depth was sent before; flood control holds back all that are like it."""
    sdk = setting.begin("flooded")
    for depth in DEPTHS:
        sdk.capture(WORKLOADS[depth]())
    await sdk.drain()
    figures = await _in_vain(setting)
    return figures | {"ns/frame": 1000 * (figures["deep"] - figures["shallow"]) / FRAMES}


class Brim:
    """Keeps an SDK's queue full: what waits may be made smaller meanwhile, and leave room again."""

    def __init__(self, capture: Callable[[BaseException], object], counted: Callable[[], int], most: int) -> None:
        self._capture = capture
        self._counted = counted
        self._most = most

    def fill(self) -> int:
        """Capture until one is refused, and give how many are lost: deep ones, for then no smaller one is even made."""
        before = self._counted()
        for _ in range(self._most):
            self._capture(WORKLOADS["deep"]())
            if (counted := self._counted()) > before:
                return counted
        raise AssertionError(f"{self._most} errors have not filled the queue")

    async def run(self, paced: Paced[Exception], calls: int) -> list[Sample]:
        """So many calls that were refused. Raises if most were not."""
        refused: list[Sample] = []
        for _ in range(2 * calls):
            before = self.fill()
            samples = await paced.run(1)
            if self._counted() > before:
                refused += samples
            if len(refused) == calls:
                return refused
        raise AssertionError(f"only {len(refused)} of {2 * calls} captures were refused")


async def full(setting: Setting) -> Figures:
    """The server answers nothing, and the queue holds what it can. It is filled before each call; what is taken all the
    same is not measured.
    """
    if setting.sdk.full_after is None or setting.sdk.counted is None:
        raise NotOffered("its queue has no bound within reach")
    sdk = setting.begin("on")
    for _ in range(setting.sdk.full_after):
        sdk.capture(WORKLOADS["mid"]())
        await asyncio.sleep(0)
    brim = Brim(sdk.capture, setting.sdk.counted, setting.sdk.full_after)
    return await _captures(setting, nothing, brim.run)


def in_mode(mode: Mode, told: str) -> Case:
    async def measure(setting: Setting) -> Figures:
        setting.begin(mode)
        return await _in_vain(setting)

    return Case(f"capture that ends in nothing: {told}", measure, COLUMNS)


NOTHING: Final = {
    "uninitialised": Case("capture that ends in nothing: before init", never_initialised, COLUMNS),
    "off": in_mode("off", "no DSN, or switched off"),
    "ignored": in_mode("ignored", "the error's type is ignored"),
    "unsampled": in_mode("unsampled", "a sample rate of 0"),
    "limited": Case(
        "capture that ends in nothing: the server limits the rate", rate_limited, COLUMNS, sink=("--status", "429")
    ),
    "duplicate": Case("capture that ends in nothing: the error was captured before", duplicate, COLUMNS),
    "flooded": Case(
        "capture that ends in nothing: flood control holds it back",
        flooded,
        (*COLUMNS, "ns/frame"),
        unit="µs; ns/frame: what each frame adds",
    ),
    "full": Case("capture that ends in nothing: the queue is full", full, COLUMNS, sink=("--hang",)),
    "refused": in_mode("refused", "a hook is given the event and drops it"),
}
