"""What a case is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from sdks import Adapter

Figures: TypeAlias = dict[str, float]
"""By the column that they stand in, in the case's unit."""


class NotOffered(Exception):
    """The SDK has nothing that this case could measure; the text says what is missing."""


@dataclass(frozen=True)
class Setting:
    """What a case is given."""

    sdk: Adapter
    """Not set up yet."""
    url: str
    """The sink's."""
    calls: int
    """How many to measure."""


@dataclass(frozen=True)
class Case:
    told: str
    """What is measured, in a few words: the table's title."""
    measure: Callable[[Setting], Awaitable[Figures]]
    columns: tuple[str, ...]
    """The figures; the first is the one that SDKs are compared by, and that is plotted."""
    unit: str = "µs"
    sink: tuple[str, ...] = ()
    """Arguments of the sink's command line."""
