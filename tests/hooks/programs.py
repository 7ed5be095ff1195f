"""Programs to run, and one that fails in each way that an asyncio program can, on every loop and transport."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_PROGRAM = """
import asyncio
import asyncsentry
{prelude}
asyncsentry.init({dsn!r})

async def unawaited():
    raise LookupError("unawaited")

def start():
    task = asyncio.create_task(unawaited())
    assert not task.done()

async def main(crash):
    try:
        raise ValueError("handled")
    except ValueError as error:
        asyncsentry.capture_exception(error)
    start()
    await asyncio.sleep(0.01)
    if crash:
        1 / 0

for left in reversed(range({runs})):
    asyncio.run(main(crash=left == 0))
"""

Outline = list[tuple[str, str, bool]]

_EACH_RUN: Outline = [("LookupError", "asyncio", False), ("ValueError", "generic", True)]
EXPECTED: Mapping[int, Outline] = {
    runs: sorted(_EACH_RUN * runs + [("ZeroDivisionError", "excepthook", False)]) for runs in (1, 3)
}


def run_program(
    text: str, *, folder: Path, dsn: str, flags: tuple[str, ...] = (), stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program of this text in a process of its own, to its end; ``flags`` are the interpreter's."""
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, *flags, str(path)],
        env={**os.environ, "SENTRY_DSN": dsn},
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )


def failing_program(dsn: str, *, runs: int = 1, prelude: str = "") -> str:
    """Its text: in each of its runs one error is handled and one unawaited, and in the last one it crashes."""
    return _PROGRAM.format(dsn=dsn, runs=runs, prelude=prelude)


def outline(events: Iterable[Mapping[str, Any]]) -> Outline:
    """Of each event: the error, the mechanism, and whether it was handled.

    A server knows an event by its id: one whose sending was cut off by the loop's end is sent again.
    """
    known = {event["event_id"]: event for event in events}
    errors = [event["exception"]["values"][-1] for event in known.values()]
    return sorted((error["type"], error["mechanism"]["type"], error["mechanism"]["handled"]) for error in errors)
