"""What there was in the variables of an event as they were frozen: what the last look at it need not look for again."""

from __future__ import annotations

from typing import Any, Final

SHORTEST: Final = 3
"""Characters: a shorter text neither holds a secret beside what tells that it is one, nor is the name of one."""

LEAST_CARD: Final = 10**12
"""The least number of so many digits as a payment card's has."""


class Seen:
    """Texts, and names that are none of any variable's or key's; large numbers; and where something was hidden."""

    __slots__ = ("foreign", "hiding", "numbers", "texts")

    def __init__(self, *, foreign: bool = False) -> None:
        self.texts: set[str] = set()
        self.numbers: set[int] = set()
        # Any: what is frozen is plain data of any shape.
        self.hiding: list[dict[str, Any]] = []
        """Mappings in which, however deep, something is hidden by its name."""
        self.foreign = foreign
        """Whether there are frames that somebody else made, of whose variables none of that is known."""
