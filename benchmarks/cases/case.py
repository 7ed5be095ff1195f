"""What a case is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

from sdks import Adapter, Mode, load
from workloads import OrderError

Figures: TypeAlias = dict[str, float]
"""By the column that they stand in, in the case's unit. A column that the SDK has nothing for is left out."""

WITHOUT: Final[dict[Mode, str]] = {
    "seen": "no hook that sees an event while it is captured",
    "refused": "no hook that drops an event while it is captured",
    "unsampled": "no sampling of errors",
    "flooded": "no flood control",
}
"""What an SDK lacks that has no such mode."""


class NotOffered(Exception):
    """The SDK has nothing that this case could measure; the text says what is missing."""


@dataclass(frozen=True)
class Setting:
    """What a case is given."""

    name: str
    """The SDK's."""
    url: str
    """The sink's."""
    calls: int
    """How many to measure."""
    brief: bool
    """Whether it is only to be seen that everything works."""

    @cached_property
    def sdk(self) -> Adapter:
        """Imported at the first use, and not set up yet."""
        return load(self.name)

    def begin(self, mode: Mode) -> Adapter:
        """Set the SDK up. Raises `NotOffered`."""
        if mode not in self.sdk.modes:
            raise NotOffered(WITHOUT.get(mode, f"no mode {mode!r}"))
        self.sdk.init(self.url, mode, OrderError)
        return self.sdk

    def amount(self, whole: int, brief: int) -> int:
        """How many calls a case makes that has a number of its own, whatever ``calls`` says."""
        return brief if self.brief else whole


@dataclass(frozen=True)
class Case:
    told: str
    """What is measured, in a few words: the table's title."""
    measure: Callable[[Setting], Awaitable[Figures]]
    columns: tuple[str, ...]
    """The figures; the first is the one that SDKs are compared by, and that is plotted."""
    unit: str = "µs"
    more_is_better: bool = False
    """Of the first column."""
    bare: bool = False
    """Whether it is measured without any SDK, too."""
    loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    """Makes the loop that it runs in."""
    sink: tuple[str, ...] = ()
    """Arguments of the sink's command line."""
