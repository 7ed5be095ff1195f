"""The table of cases for the documentation; as a program (``python -m faults.table``, in tests/) it writes it there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from faults.cases import ASYNCIO, CASES, THREADS_AND_ASYNCIO, Case
from faults.page import SHOWN


def lines() -> Iterator[str]:
    yield "| what happens | with | captured | received | again | counted | told |"
    yield "|---|---|--:|--:|--:|--:|--:|"
    for case in CASES.values():
        row = case.row
        again = f"≤ {row.duplicated:,}" if row.duplicated else "0"
        numbers = f"{row.captured:,} | {row.received:,} | {again} | {row.counted:,} | {row.told:,}"
        yield f"| {case.told} | {_applies(case)} | {numbers} |"


def _applies(case: Case) -> str:
    if case.places == ASYNCIO:
        return "all on asyncio"
    if case.places == THREADS_AND_ASYNCIO:
        return "all in threads and on asyncio"
    if case.places is not None:
        return "all but twisted"
    return f"all but {' and '.join(case.besides)}" if case.besides else "all"


TABLE: Final = "".join(f"{line}\n" for line in lines())


if __name__ == "__main__":
    SHOWN.write(TABLE)
