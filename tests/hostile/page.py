"""The page of the documentation that says what SDKs do with each hostile input: a table for each kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from faults.page import Table
from hostile.cases import GROUPS

PAGE: Final = Path(__file__).parents[2] / "docs" / "hostile.md"
SHOWN: Final = Table("benchmarks/hostility.py", PAGE)


def tables(columns: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """The lines of all tables. ``columns`` has for each SDK, as it is called there, the outcome of each case."""
    for group in GROUPS:
        yield from ("", f"## {group.heading}", "")
        yield row(["input", *columns])
        yield "|---" * (len(columns) + 1) + "|"
        for name, case in group.cases.items():
            yield row([case.told, *(outcomes[name] for outcomes in columns.values())])
    yield ""


def row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def last_column() -> list[tuple[str, str]]:
    """What the page says of asyncsentry: each input, and what comes of it."""
    rows = [line[2:-2].split(" | ") for line in SHOWN.read().splitlines() if line.startswith("| ")]
    return [(cells[0], cells[-1]) for cells in rows if cells[0] != "input"]
