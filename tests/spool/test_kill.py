"""``kill -9`` at any instant: what was on disk arrives after the next start, under the id that it had.

A program captures without a pause, and says on a pipe whenever a file has been renamed into its place. It is killed,
twice; a third run delivers what is left. ``SPOOL_TRIES`` is how often that is tried.
"""

from __future__ import annotations

import os
import random
import select
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from asyncsentry.testing import Answer, Hang, LocalSentry, Reset
from asyncsentry.testing.answers import Reply
from spool.material import files

TRIES: Final = int(os.environ.get("SPOOL_TRIES", "10"))
AT_ONCE: Final = 4
LONG: Final = 30.0
REPLIES: Final[tuple[Reply, ...]] = (Answer(), Answer(), Answer(503), Hang(), Reset(), Reset("answer"))
LATEST: Final = 2.0
"""Seconds before its end in which a program may have sent an event, and not have removed its file."""

PROGRAM = """
import asyncio, logging, os, sys
import asyncsentry

class Forward(logging.Handler):
    def emit(self, record):
        if record.msg.startswith("spooled"):
            os.write(1, f"{record.args[0]}\\n".encode())

async def capture():
    while True:
        asyncsentry.capture_message("captured without a pause")
        await asyncio.sleep(0.001)

logger = logging.getLogger("asyncsentry")
logger.setLevel(logging.DEBUG)
logger.addHandler(Forward())
client = asyncsentry.init(sys.argv[1], spool=sys.argv[2], release="shop@1", server_name="", max_in_flight=4)
if sys.argv[3] == "capture":
    asyncio.run(capture())
sys.stdin.read()
"""


def begin(folder: Path, sentry: LocalSentry, what: str) -> subprocess.Popen[bytes]:
    path = folder / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, path, sentry.dsn, folder / "spool", what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},
    )


def killed(program: subprocess.Popen[bytes], seconds: float) -> list[str]:
    """Kill it so many seconds after it has said something; gives all that it has said."""
    assert program.stdout is not None
    with program:
        assert select.select([program.stdout], [], [], LONG)[0], "nothing was filed"
        time.sleep(seconds)
        program.kill()
        said = program.stdout.read().decode()
    return said.rpartition("\n")[0].split()


@dataclass(frozen=True, slots=True)
class Try:
    """What came of one: the ids that were filed, how often each arrived, and which came twice without need."""

    filed: frozenset[str]
    arrived: Counter[str]
    needless: frozenset[str]
    left: list[str]


def one_try(folder: Path, chance: random.Random) -> Try:
    folder.mkdir()
    filed: list[str] = []
    ends: list[float] = []
    with LocalSentry() as sentry:
        for _ in range(2):
            sentry.always(chance.choice(REPLIES))
            filed += killed(begin(folder, sentry, "capture"), chance.uniform(0, 0.3))
            ends.append(time.time())
        sentry.always(Answer())
        with begin(folder, sentry, "nothing") as program:
            deadline = time.monotonic() + LONG
            while (left := files(folder / "spool")) and time.monotonic() < deadline:
                time.sleep(0.02)
            program.communicate()
        first: dict[str, float] = {}
        arrived: Counter[str] = Counter()
        for request in sentry.requests:
            if request.envelope and request.accepted:
                sent_at = datetime.fromisoformat(request.envelope.headers["sent_at"].replace("Z", "+00:00"))
                for event in request.envelope.payloads("event"):
                    arrived[event["event_id"]] += 1
                    first.setdefault(event["event_id"], sent_at.timestamp())
    again = {id for id, count in arrived.items() if count > 1}
    needless = {id for id in again if not any(end - LATEST < first[id] <= end for end in ends)}
    return Try(frozenset(filed), arrived, frozenset(needless), left)


@pytest.mark.timeout(60 + 3 * TRIES)
def test_what_was_on_disk_arrives_after_a_kill(tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tries = list(pool.map(lambda n: one_try(tmp_path / f"{n}", random.Random(seed + n)), range(TRIES)))
    filed = sum(len(each.filed) for each in tries)
    twice = sum(count > 1 for each in tries for count in each.arrived.values())
    print(f"{2 * TRIES} kills, seed {seed}: {filed} events filed, {twice} of those that arrived came twice")
    assert [each.filed - each.arrived.keys() for each in tries if each.filed - each.arrived.keys()] == []
    assert [each.needless for each in tries if each.needless] == []
    assert [each.left for each in tries if each.left] == []
