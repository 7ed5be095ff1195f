"""What is fuzzed: each target keeps a promise with any bytes, or raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

from fuzz import dsn, envelope, limits, scrubbing, snapshot, spool

CORPUS: Final = Path(__file__).with_name("corpus")
"""A folder for each target: inputs that together reach all that was ever reached, and such as once found something."""


class Target(NamedTuple):
    """``check`` raises where a promise is broken; ``words`` are what its inputs are made of, beside any bytes."""

    name: str
    check: Callable[[bytes], None]
    words: tuple[bytes, ...]
    longest: int
    """Bytes of an input beyond which nothing new is to be expected."""

    @property
    def corpus(self) -> list[Path]:
        return sorted((CORPUS / self.name).iterdir())


def _target(module: ModuleType, longest: int) -> Target:
    return Target(module.__name__.rpartition(".")[2], module.target, module.WORDS, longest)


TARGETS: Final[Iterable[Target]] = (
    _target(dsn, 200),
    _target(envelope, 500),
    _target(limits, 400),
    _target(snapshot, 1000),
    _target(scrubbing, 300),
    _target(spool, 700),
)
