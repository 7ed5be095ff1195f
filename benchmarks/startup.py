"""What it costs to start: import and ``init`` of each SDK, beside sentry-sdk, in fresh processes, taken in turns.

Run by ``nox -s bench``. Times are medians over the runs, of the processor's time, since other work on the machine
would else be measured with them; a ratio is the median of the runs' own ratios. ``modules`` are those that the
import loads beyond ``import asyncio, logging``, ``threads`` those that run after ``init``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median, quantiles
from typing import Final, TypedDict

KEY: Final = "a" * 32
HOST: Final = "127.0.0.1:9"

CHILD = """
import asyncio, json, logging, sys, threading, time
name, init = sys.argv[1:]
init = compile(init, "init", "exec")
# Loaded by sentry-sdk if they are there: for other benchmarks, here.
for other in ("aiohttp", "flask", "httpcore", "starlette"):
    sys.modules[other] = None
before = set(sys.modules)
started = time.process_time()
sdk = __import__(name)
imported = time.process_time()
modules = sorted(set(sys.modules) - before)
begun = time.process_time()
exec(init)
print(json.dumps({
    "import": 1000 * (imported - started),
    "init": 1000 * (time.process_time() - begun),
    "modules": len(modules),
    "threads": threading.active_count() - 1,
}))
"""

OURS, PEER = "asyncsentry", "sentry_sdk"

INITS: Final = {
    OURS: f"sdk.init('http://{KEY}@{HOST}/1')",
    PEER: f"sdk.init('http://{KEY}@{HOST}/1')",
    "raven": f"sdk.Client('http://{KEY}:{KEY}@{HOST}/1')",
    "rollbar": f"sdk.init('{KEY}', environment='production', endpoint='http://{HOST}/api/1/', handler='thread')",
    "bugsnag": f"sdk.configure(api_key='{KEY}', endpoint='http://{HOST}', session_endpoint='http://{HOST}', "
    "auto_capture_sessions=False)",
    "elasticapm": f"sdk.Client(service_name='bench', server_url='http://{HOST}', central_config=False, "
    "cloud_provider='none', metrics_interval='0s', instrument=False)",
    "honeybadger": f"sdk.honeybadger.configure(api_key='{KEY}', endpoint='http://{HOST}')",
}
"""How each module is set up, as its adapter does it, but those of Sentry with nothing but a DSN."""

DISTRIBUTIONS: Final = {PEER: "sentry-sdk", "elasticapm": "elastic-apm"}
"""Of modules that have another name."""

Measured = TypedDict("Measured", {"import": float, "init": float, "modules": int, "threads": int})


def measure(name: str) -> Measured:
    """One fresh process, where no source stands in the way of what is installed, with its bytecode."""
    command = [sys.executable, "-c", CHILD, name, INITS[name]]
    done = subprocess.run(command, capture_output=True, check=True, text=True, cwd=sys.prefix)
    outcome: Measured = json.loads(done.stdout)
    return outcome


def label(name: str) -> str:
    """The SDK with its version. Raises `PackageNotFoundError`."""
    distribution = DISTRIBUTIONS.get(name, name)
    return f"{distribution} {version(distribution)}"


def installed() -> dict[str, str]:
    """The SDKs that are there, with what they are called; what is missing is said on stderr."""
    labels = {}
    for name in INITS:
        try:
            labels[name] = label(name)
        except PackageNotFoundError:
            print(f"not measured: {name}, since it is not installed", file=sys.stderr)
    return labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=25, help="how often each is started (default: 25)")
    parser.add_argument("--json", type=Path, help="write the measurements to this file")
    arguments = parser.parse_args()

    labels = installed()
    for name in labels:  # so that all have their bytecode
        measure(name)
    runs = [{name: measure(name) for name in labels} for _ in range(arguments.runs)]
    print(f"{len(runs)} runs on Python {sys.version.split()[0]}")
    for line in table(runs, labels):
        print(line)
    if arguments.json:
        arguments.json.write_text(json.dumps(runs, indent=1), encoding="utf-8")


def table(runs: list[dict[str, Measured]], labels: dict[str, str]) -> Iterator[str]:
    """Of each part, a row for each SDK."""
    for part in ("import", "init"):
        yield from ("", f"{part:24}{'ms':>8}{'ratio':>8}   quartiles of the ratio")
        theirs = [run[PEER][part] for run in runs]
        for name, told in labels.items():
            figures = [run[name][part] for run in runs]
            ratios = [a / b for a, b in zip(figures, theirs, strict=True)]
            yield f"{told:24}{median(figures):8.1f}{median(ratios):8.2f}   {_spread(ratios)}"
    yield from ("", f"{'':24}{'modules':>8}{'threads':>8}")
    for name, told in labels.items():
        yield f"{told:24}{runs[0][name]['modules']:8}{runs[0][name]['threads']:8}"


def _spread(ratios: list[float]) -> str:
    if len(ratios) == 1:
        return ""
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return f"{low:.2f} to {high:.2f}"


if __name__ == "__main__":
    main()
