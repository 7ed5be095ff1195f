"""Locals that SDKs stumble over, each in an error of its own: large ones, slow ones, and those that lie."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from workloads import OrderError, caught

MEGABYTE: Final = 1_000_000
REPR_SECONDS: Final = 0.05


@dataclass
class Ledger:
    """Holds far more than its fields say."""

    numbers: list[int] = field(default_factory=lambda: list(range(1_000_000)))


class Wordy:
    """Describes itself in 5 MB."""

    def __repr__(self) -> str:
        return "w" * (5 * MEGABYTE)


class Slow:
    """Describes itself slowly."""

    def __repr__(self) -> str:
        time.sleep(REPR_SECONDS)
        return "slow"


class Broken:
    """Does not describe itself."""

    def __repr__(self) -> str:
        raise ValueError("no description")


def nested_list(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def endless_list() -> list[Any]:
    whole: list[Any] = [1, 2]
    whole.append(whole)
    return whole


def tree(depth: int) -> Any:
    """A dict of ten dicts of ten …: ten to the power of ``depth`` leaves."""
    return {f"key {number}": tree(depth - 1) for number in range(10)} if depth else "leaf"


VALUES: Final[dict[str, Callable[[], object]]] = {
    "plain": lambda: 17,
    "str of 10 MB": lambda: "s" * (10 * MEGABYTE),
    "bytes of 10 MB": lambda: b"\x80" * (10 * MEGABYTE),
    "list of 1M ints": lambda: list(range(1_000_000)),
    "dict of 300k": lambda: {str(number): number for number in range(300_000)},
    "dataclass with 1M ints": Ledger,
    "repr of 5 MB": Wordy,
    "repr of 50 ms": Slow,
    "repr that raises": Broken,
    "list 400 deep": partial(nested_list, 400),
    "list in itself": endless_list,
    "dict of 10k leaves": partial(tree, 4),
}
"""Each kind of local, by what it is called in a table. Made once for each error."""


def with_local(make_value: Callable[[], object]) -> Exception:
    """A fresh error of one frame, with such a local in it."""
    return caught(partial(_hold, make_value()))


def _hold(value: object) -> None:
    raise OrderError(f"a value of type {type(value).__name__} is in the way")
