"""A busy program and a server at its worst, for as long as SOAK_SECONDS says: two minutes, if it says nothing."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from asyncsentry.testing import Answer, Hang, LocalSentry, Reset
from asyncsentry.testing.answers import Reply

SECONDS: Final = float(os.environ.get("SOAK_SECONDS", "120"))
RESTART_EVERY: Final = 10.0
DOWN_FOR: Final = 0.5
IN_FLIGHT: Final = 16
"""The requests that one stop of the server can cut off after it took them. As many connections are kept open on the
loop, and as many by threads, of which each has one."""
MEBIBYTE: Final = 1024 * 1024
COUNTED: Final = ("captured", "delivered", "limited", "lost", "unknown", "left")

REPLIES: Final[list[tuple[Reply, float]]] = [
    (Reset("start"), 0.01),
    (Reset("request"), 0.01),
    (Reset("answer"), 0.01),
    (Hang(), 0.005),
    (Answer(503), 0.01),
    (Answer(500), 0.005),
    (Answer(413), 0.005),
    (Answer(429, {"Retry-After": "1"}), 0.001),
    (Answer(headers={"X-Sentry-Rate-Limits": "1:error:key"}), 0.001),
    (Answer(delay=0.05), 0.2),
    (Answer(), 0.743),
]
"""What the server may do, and how often it does."""


class Wicked:
    """Answers at random."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.cut = 0
        """Answers that were broken off, when the server had taken what it got."""

    def replies(self, count: int) -> list[Reply]:
        replies, weights = zip(*REPLIES, strict=True)
        made: list[Reply] = self._random.choices(replies, weights, k=count)
        self.cut += made.count(Reset("answer"))
        return made


@pytest.mark.timeout(SECONDS + 200)
def test_nothing_is_lost_that_is_not_counted_and_nothing_grows(tmp_path: Path) -> None:
    wicked = Wicked(seed=random.randrange(10**6))
    servers: list[LocalSentry] = []
    with ExitStack() as stack:
        server = LocalSentry()
        servers.append(server)
        program = start(server.dsn, tmp_path / "accounts")
        end = time.monotonic() + SECONDS
        while (now := time.monotonic()) < end:
            stack.callback(server.stop)
            server.answer(*wicked.replies(5000))
            time.sleep(min(RESTART_EVERY, end - now))
            server.stop()
            time.sleep(DOWN_FOR)
            server = LocalSentry(port=server.port)
            servers.append(server)
        stack.callback(server.stop)
        said = program.communicate(timeout=150)[1]
    assert program.returncode == 0, said
    assert [line for line in said.splitlines() if "status 413" not in line] == []
    check(accounts_in(tmp_path / "accounts"), servers, cut=wicked.cut)


def start(dsn: str, accounts: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning"),
            *("-m", "soak.program", str(SECONDS), str(accounts)),
        ],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "SENTRY_DSN": dsn, "SENTRY_RELEASE": "soak@1"},
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def accounts_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def check(accounts: list[dict[str, Any]], servers: list[LocalSentry], *, cut: int) -> None:
    parent = accounts[-1]
    assert sorted(account["process"] for account in accounts) == sorted([*parent["forked"], parent["process"]])
    events = [event for server in servers for event in server.events]
    received = Counter(event["event_id"] for event in events)
    total = {name: sum(account[name] for account in accounts) for name in COUNTED}
    print(total, "received", len(received), "again", len(events) - len(received), "in", len(accounts), parent["use"])
    assert total["left"] == 0
    assert total["captured"] == sum(total[name] for name in ("delivered", "limited", "lost", "unknown"))
    assert len({event["logentry"]["formatted"] for event in events}) == len(received), "one went out under two ids"
    assert total["delivered"] <= len(received) <= total["delivered"] + total["unknown"]
    assert len(events) - len(received) <= cut + IN_FLIGHT * len(servers)
    use = parent["use"]
    assert use["threads"] <= IN_FLIGHT
    assert use["files"] <= 2 * IN_FLIGHT + 8
    assert use["memory"] < 24 * MEBIBYTE
