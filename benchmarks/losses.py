"""What of a program's errors arrives when something goes wrong around it, beside sentry-sdk.

Run by ``nox -s losses``; ``-- --write`` puts the table on the documentation's page. The programs are those of
tests/faults, each a process of its own that sends to a real server, in a thread's and in an asyncio program's way. Each
SDK has the transport that it takes by itself, and twenty seconds for the end of the program.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from subprocess import TimeoutExpired
from tempfile import TemporaryDirectory
from typing import Final

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from faults.cases import CASES, PATIENT, Case  # noqa: E402  # found only now
from faults.page import COMPARISON, PAGE  # noqa: E402
from faults.playing import play  # noqa: E402

SDKS: Final = ("asyncsentry", "sentry_sdk")
OURS_ALONE: Final = {"flush_on_sigterm", "spool"}


def cell(case: Case, place: str, sdk: str) -> str:
    """How many were received, and how many more were neither received nor counted."""
    with TemporaryDirectory() as folder:
        try:
            row = play(case, place, Path(folder), sdk=sdk).row
        except TimeoutExpired:
            return "the program hangs"
    again = f" (and {row.duplicated} again)" if row.duplicated else ""
    missing = row.captured - row.received - row.counted
    said = f"{row.received:,}{again}"
    return f"{said}, {missing:,} lost in silence" if missing > 0 else said


def lines() -> Iterator[str]:
    yield f"| what happens | where | captured | asyncsentry | sentry-sdk {version('sentry-sdk')} |"
    yield "|---|---|--:|---|---|"
    # Where nothing can arrive no client report can either, so nobody can see what the other SDK counts. And what takes
    # an option that it has not is no comparison.
    for case in (case for case in CASES.values() if case.row.received and not OURS_ALONE & case.options.keys()):
        for place in ("thread", "asyncio"):
            if case.places is None or place in case.places:
                fair = replace(case, options=PATIENT)  # the other options are ours alone
                cells = [cell(fair, place, sdk) for sdk in SDKS]
                yield f"| {case.told} | {place} | {case.row.captured:,} | {cells[0]} | {cells[1]} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table on the documentation's page, too")
    arguments = parser.parse_args()
    table = ""
    for line in lines():
        print(line, flush=True)
        table += f"{line}\n"
    if arguments.write:
        COMPARISON.write(table)
        print(f"written to {PAGE}")


if __name__ == "__main__":
    main()
