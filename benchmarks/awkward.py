"""What SDKs stumble over, each in an error of its own: locals that are large, slow, or lie; and a long source file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from workloads import OrderError, caught

MEGABYTE: Final = 1_000_000
REPR_SECONDS: Final = 0.05
FILE_LINES: Final = 20_000
PLACES: Final = 10
"""Of the long file, in each error."""


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


def in_long_file(errors: int) -> Iterator[Exception]:
    """So many errors, each in places near the end of one source file that none was in before.

    The file is there from the first error on, until the iterator is dropped.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder, "long_file.py")
        source = _long_source(errors)
        path.write_text(source, encoding="utf-8")
        names: dict[str, Any] = {"__name__": "long_file", "__file__": str(path)}
        exec(compile(source, path, "exec"), names)
        for error in range(errors):
            yield caught(names[f"place_{error}_0"])


def _long_source(errors: int) -> str:
    """Functions that call each other, as many for each error as it has places, after lines that say nothing."""
    functions = ""
    for error in range(errors):
        for place in range(PLACES - 1):
            functions += f"def place_{error}_{place}():\n    place_{error}_{place + 1}()\n"
        functions += f"def place_{error}_{PLACES - 1}():\n    raise ValueError('far down in a file')\n"
    return "# nothing\n" * (FILE_LINES - functions.count("\n")) + functions
