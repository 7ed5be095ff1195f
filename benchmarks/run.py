"""Measure asyncsentry beside other SDKs, on the same work, in the same run: a table for each case.

Run by ``nox -s bench``, and by hand where the SDKs are installed (``pip install --group bench``). Each SDK measures
each case in a process of its own, which sends to a server in another (see sink.py). In each run all SDKs have their
turn, the order moved on by one, so that what the machine does besides meets all of them. A table shows medians over the
runs; a ratio is the median of the runs' own ratios, with its quartiles.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import platform
import subprocess
import sys
from collections.abc import Iterable
from os import cpu_count
from pathlib import Path
from typing import Any, Final

from cases import CASES
from chart import draw
from results import Failed, Results
from sdks import NONE, SDKS, label, missing
from sink import Sink
from table import lines
from workloads import ABSENT

MEASURE: Final = Path(__file__).with_name("measure.py")
LONGEST: Final = 300.0
"""Seconds for one SDK's turn at one case."""
BRIEFLY: Final = 3
"""Calls."""


def turn(sdk: str, case: str, url: str, extent: list[str]) -> dict[str, Any]:
    """One fresh process. Raises `Failed` if it does not give figures."""
    command = [sys.executable, str(MEASURE), sdk, case, "--sink", url, *extent]
    try:
        done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=LONGEST)
    except subprocess.CalledProcessError as error:
        raise Failed(error.stderr.strip() or f"exit status {error.returncode}") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"no figures within {LONGEST:.0f} seconds") from None
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return outcome


def measure(case: str, sdks: list[str], runs: int, extent: list[str]) -> Results:
    """All runs of one case. ``extent``: arguments of measure.py that say how much is done in each."""
    sdks = [sdk for sdk in sdks if sdk != NONE or CASES[case].bare]
    results = Results(case, sdks)
    with Sink(*CASES[case].sink) as sink:
        for run in range(runs):
            for sdk in (*sdks[run % len(sdks) :], *sdks[: run % len(sdks)]):
                try:
                    results.add(sdk, turn(sdk, case, sink.url, extent))
                except Failed as failure:
                    print(f"\n{sdk}, {case}: {failure}", file=sys.stderr)
                    results.fail(sdk, str(failure))
    return results


def names(known: Iterable[str], what: str) -> Any:
    """Reads a list of names with commas between them, in which ``*`` stands for anything."""
    every = list(known)

    def read(text: str) -> list[str]:
        chosen: list[str] = []
        for pattern in text.split(","):
            found = fnmatch.filter(every, pattern.strip())
            if not found:
                raise argparse.ArgumentTypeError(f"there is no {what} {pattern!r}, but {', '.join(every)}")
            chosen += (name for name in found if name not in chosen)
        return chosen

    return read


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=names(CASES, "case"), default=[*CASES], help=f"of {', '.join(CASES)}")
    parser.add_argument("--sdks", type=names(SDKS, "SDK"), default=[*SDKS], help=f"of {', '.join(SDKS)}")
    parser.add_argument("--runs", type=int, default=7, help="how often each case is measured (default: 7)")
    parser.add_argument("--calls", type=int, default=60, help="calls in each run (default: 60)")
    parser.add_argument("--brief", action="store_true", help="one run, as short as shows that everything works")
    parser.add_argument("--json", type=Path, help="write all figures of all runs to this file")
    parser.add_argument("--svg", type=Path, help="draw a chart of each case into this folder")
    arguments = parser.parse_args()
    if arguments.brief:
        arguments.runs, arguments.calls = 1, BRIEFLY
    return arguments


def write(arguments: argparse.Namespace, about: dict[str, Any], found: list[Results]) -> None:
    """Into the files that are asked for, what was found so far: a run may be broken off."""
    if arguments.json:
        cases = {results.case: results.outcomes for results in found}
        arguments.json.write_text(json.dumps({**about, "cases": cases}, indent=1), encoding="utf-8")
    if arguments.svg:
        arguments.svg.mkdir(parents=True, exist_ok=True)
        (arguments.svg / f"{found[-1].case}.svg").write_text(draw(found[-1]), encoding="utf-8")


def main() -> int:
    arguments = options()
    absent = {sdk: f"{needs} is not installed" for sdk in arguments.sdks if (needs := missing(sdk))}
    sdks = [sdk for sdk in arguments.sdks if sdk not in absent]
    about = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": cpu_count(),
        "runs": arguments.runs,
        "calls": arguments.calls,
        "sdks": {sdk: label(sdk) for sdk in sdks},
        "not_measured": absent | ABSENT,
    }
    print(f"Python {about['python']}, {about['cores']} cores; runs: {arguments.runs}, of {arguments.calls} calls")
    for name, reason in (absent | ABSENT).items():
        print(f"not measured: {name}, since {reason}")
    extent = ["--calls", str(arguments.calls), *(["--brief"] if arguments.brief else [])]
    found = []
    for case in arguments.cases:
        found.append(measure(case, sdks, arguments.runs, extent))
        print()
        for line in lines(found[-1]):
            print(line, flush=True)
        write(arguments, about, found)
    return 1 if any(results.failed for results in found) else 0


if __name__ == "__main__":
    sys.exit(main())
