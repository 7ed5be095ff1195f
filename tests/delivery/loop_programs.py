"""Programs whose event loops live and end in every way; each captures what it says, and nothing complains."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from asyncsentry.testing import Answer, LocalSentry
from delivery.programs import PRELUDE, expected, messages

BEGINNING: Final = (
    PRELUDE
    + """
import asyncio
asyncsentry.init(shutdown_timeout=20)
async def main(name, number=0):
    capture_message(f"{name} {number}")
"""
)

Ends = tuple[str, Mapping[str, int]]

PROGRAMS: Final[Mapping[str, Ends]] = {
    "several-runs": (
        """
capture_message("before 0")
for number in range(2):
    asyncio.run(main("run", number))
    capture_message(f"after {number}")
""",
        {"before": 1, "run": 2, "after": 2},
    ),
    "several-threads": (
        """
async def linger():
    capture_message("main 0")
    await asyncio.to_thread(thread.join)
    capture_message("main 1")
thread = threading.Thread(target=asyncio.run, args=(main("thread"),))
thread.start()
asyncio.run(linger())
""",
        {"main": 2, "thread": 1},
    ),
    "test-case": (
        """
import unittest
class Case(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        capture_message("set-up 0")
    async def test(self):
        capture_message("test 0")
    async def asyncTearDown(self):
        capture_message("tear-down 0")
result = unittest.TestResult()
unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
assert result.wasSuccessful(), result
""",
        {"set-up": 1, "test": 1, "tear-down": 1},
    ),
    "stopped": (
        """
loop = asyncio.new_event_loop()
def stop():
    capture_message("stopping 0")
    loop.stop()
loop.call_soon(stop)
loop.run_forever()
capture_message("stopped 0")
loop.run_until_complete(main("going on"))
loop.run_until_complete(loop.shutdown_asyncgens())
loop.run_until_complete(loop.shutdown_default_executor())
loop.close()
""",
        {"stopping": 1, "stopped": 1, "going on": 1},
    ),
    "closed": (
        """
loop = asyncio.new_event_loop()
async def hurry():
    for number in range(6):
        capture_message(f"hurry {number}")
    await asyncio.sleep(0.1)
loop.run_until_complete(hurry())
loop.run_until_complete(loop.shutdown_default_executor())
loop.close()
capture_message("closed 0")
""",
        {"hurry": 6, "closed": 1},
    ),
    "all-cancelled": (
        """
async def cancel():
    for number in range(6):
        capture_message(f"cancelled {number}")
    await asyncio.sleep(0.01)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    capture_message("cancelling 0")
asyncio.run(cancel())
""",
        {"cancelled": 6, "cancelling": 1},
    ),
    "finally": (
        """
async def cleanup():
    try:
        await asyncio.sleep(60)
    finally:
        capture_message("finally 0")
        await asyncio.sleep(0)
        capture_message("finally 1")
async def generate():
    try:
        yield
    finally:
        capture_message("generator 0")
async def start():
    global task, generator
    task, generator = asyncio.ensure_future(cleanup()), generate()
    await anext(generator)
asyncio.run(start())
""",
        {"finally": 2, "generator": 1},
    ),
    "interrupted": (
        """
async def interrupt():
    capture_message("interrupted 0")
    asyncio.get_running_loop().call_later(0.01, os.kill, os.getpid(), signal.SIGINT)
    try:
        await asyncio.sleep(60)
    finally:
        capture_message("interrupted 1")
try:
    asyncio.run(interrupt())
except KeyboardInterrupt:
    capture_message("interrupted 2")
""",
        {"interrupted": 3},
    ),
}
"""What each one does with its loops, and how often it captures what."""

SLOW: Final = re.compile(r"^Executing <.* took .* seconds\n", re.MULTILINE)
"""What asyncio says in development mode on a machine that is busy with something else."""


def run_in_development(
    folder: Path, sentry: LocalSentry, name: str, *, transport: str, first: str = "", strict: bool = True
) -> None:
    """Run a program in Python's development mode, where every warning is an error and what is left open is said.

    Not ``strict``: as programs usually run.
    """
    text, counts = PROGRAMS[name]
    sentry.always(Answer(delay=0.05))
    path = folder / "program.py"
    path.write_text(BEGINNING + first + text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, *(("-X", "dev", "-W", "error") if strict else ()), path],
        env={**os.environ, "SENTRY_DSN": sentry.dsn_for(transport), "SENTRY_RELEASE": "shop@1"},
        capture_output=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not strict or SLOW.sub("", done.stderr) == ""
    assert Counter(set(messages(sentry))) == expected(**counts)
