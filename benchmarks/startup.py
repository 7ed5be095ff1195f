"""What it costs to start: import and ``init``, beside sentry-sdk, each in a fresh process, taken in turns.

Run by ``nox -s bench``. Times are medians over the runs, of the processor's time, since other work on the machine
would else be measured with them; the ratio is the median of the runs' own ratios. ``modules`` are those that the
import loads beyond ``import asyncio, logging``, ``threads`` those that run after ``init``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from typing import TypedDict

DSN = "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@127.0.0.1:9/1"

CHILD = """
import asyncio, json, logging, sys, threading, time
name, dsn = sys.argv[1:]
# Loaded by sentry-sdk if they are there: for other benchmarks, here.
for other in ("aiohttp", "flask", "httpcore", "starlette"):
    sys.modules[other] = None
before = set(sys.modules)
started = time.process_time()
sdk = __import__(name)
imported = time.process_time()
modules = sorted(set(sys.modules) - before)
begun = time.process_time()
sdk.init(dsn)
print(json.dumps({
    "import": 1000 * (imported - started),
    "init": 1000 * (time.process_time() - begun),
    "modules": len(modules),
    "threads": threading.active_count() - 1,
}))
"""

OURS, PEER = "asyncsentry", "sentry_sdk"

Measured = TypedDict("Measured", {"import": float, "init": float, "modules": int, "threads": int})


def measure(name: str) -> Measured:
    """One fresh process, where the sources of neither stand in the way of what is installed, with its bytecode."""
    command = [sys.executable, "-c", CHILD, name, DSN]
    done = subprocess.run(command, capture_output=True, check=True, text=True, cwd=sys.prefix)
    outcome: Measured = json.loads(done.stdout)
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=25, help="how often each is started (default: 25)")
    parser.add_argument("--json", type=Path, help="write the measurements to this file")
    arguments = parser.parse_args()

    for name in (OURS, PEER):  # so that both have their bytecode
        measure(name)
    runs = [{name: measure(name) for name in (OURS, PEER)} for _ in range(arguments.runs)]
    report(runs)
    if arguments.json:
        arguments.json.write_text(json.dumps(runs, indent=1), encoding="utf-8")


def report(runs: list[dict[str, Measured]]) -> None:
    """Print the table."""
    peer = f"sentry-sdk {version('sentry-sdk')}"
    print(f"{len(runs)} runs on Python {sys.version.split()[0]}\n")
    print(f"{'':10}{OURS:>16}{peer:>20}{'ratio':>10}   quartiles of the ratio")
    for part in ("import", "init"):
        ours, theirs = ([run[name][part] for run in runs] for name in (OURS, PEER))
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        low, _, high = quantiles(ratios, n=4, method="inclusive")
        print(
            f"{part:10}{median(ours):13.1f} ms{median(theirs):17.1f} ms{median(ratios):10.2f}   {low:.2f} to {high:.2f}"
        )
    for part in ("modules", "threads"):
        ours, theirs = (runs[0][name][part] for name in (OURS, PEER))  # type: ignore[literal-required]
        print(f"{part:10}{ours:13}{theirs:20}")


if __name__ == "__main__":
    main()
