"""Programs, each a process of its own that sends to a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from asyncsentry.testing import LocalSentry

TRANSPORTS = ["auto", "asyncio", "threaded", "urllib"]

PRELUDE = """
import atexit, gc, os, signal, sys, threading, time
import asyncsentry
from asyncsentry import capture_message
"""


def run(
    folder: Path, sentry: LocalSentry, text: str, *, transport: str = "auto", measured: bool = True, first: str = ""
) -> str:
    """What the program writes on standard error, when it has ended; what it captures goes to the server.

    What is to be ``first`` comes before we are imported. Not ``measured`` is what a tracer of coverage cannot stand:
    its own locks are left held by Ctrl-C, and by forks.
    """
    environment = {name: value for name, value in os.environ.items() if measured or not name.startswith("COVERAGE")}
    path = folder / "program.py"
    path.write_text(first + PRELUDE + text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", path],
        env={**environment, "SENTRY_DSN": sentry.dsn_for(transport), "SENTRY_RELEASE": "shop@1"},
        capture_output=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def messages(sentry: LocalSentry) -> Counter[str]:
    return Counter(str(event["logentry"]["formatted"]) for event in sentry.events)


def expected(**counts: int) -> Counter[str]:
    return Counter({name: 1 for prefix, count in counts.items() for name in (f"{prefix} {i}" for i in range(count))})


def lost(sentry: LocalSentry) -> int:
    return sum(row["quantity"] for report in sentry.client_reports for row in report["discarded_events"])
