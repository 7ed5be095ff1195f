"""The table of cases for the documentation; as a program (``python -m faults.table``, in tests/) it writes it there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from faults.cases import BLOCKING, CASES, Case

PAGE: Final = Path(__file__).parents[2] / "docs" / "faults.md"
BEGIN: Final = "<!-- what follows is written by tests/faults/table.py -->\n"
END: Final = "<!-- so far -->\n"


def lines() -> Iterator[str]:
    yield "| what happens | with | captured | received | again | counted |"
    yield "|---|---|--:|--:|--:|--:|"
    for case in CASES.values():
        row = case.row
        again = f"≤ {row.duplicated:,}" if row.duplicated else "0"
        yield (f"| {case.told} | {_applies(case)} | {row.captured:,} | {row.received:,} | {again} | {row.counted:,} |")


def _applies(case: Case) -> str:
    if case.places == ("asyncio",):
        return "all on asyncio"
    if case.places == ("thread", "asyncio"):
        return "all in threads and on asyncio"
    if case.places is not None:
        return "all but twisted"
    return f"all but {' and '.join(BLOCKING)}" if case.besides else "all"


TABLE: Final = "".join(f"{line}\n" for line in lines())


def written() -> str:
    """The table as it stands on the page."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + TABLE + END + rest.partition(END)[2], encoding="utf-8")
