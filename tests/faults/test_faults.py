"""Whole programs around which something goes wrong, on every transport: nothing is lost that is not counted."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from asyncsentry.testing import LocalSentry
from faults.cases import CASES, Case, Row
from faults.table import PAGE, TABLE, written

TESTS = Path(__file__).parents[1]
PATIENCE = 50.0
KEY = "a" * 32

TRANSPORTS = [
    (name, place)
    for name, place, library in (
        ("urllib", "thread", None),
        ("threaded", "thread", None),
        ("requests", "thread", "requests"),
        ("threaded+requests", "thread", "requests"),
        ("auto", "thread", None),
        ("auto", "asyncio", None),
        ("asyncio", "asyncio", None),
        ("aiohttp", "asyncio", "aiohttp"),
        ("httpx", "asyncio", "httpx"),
        ("tornado", "asyncio", "tornado"),
        ("gevent", "gevent", "gevent"),
        ("eventlet", "eventlet", "eventlet"),
        ("twisted", "twisted", "twisted"),
        ("trio", "trio", "trio"),
    )
    if library is None or find_spec(library)
]


def applicable() -> list[tuple[str, str, str]]:
    return [
        (name, transport, place)
        for name, case in CASES.items()
        for transport, place in TRANSPORTS
        if (case.places is None or place in case.places) and transport not in case.besides
    ]


@pytest.mark.parametrize(("name", "transport", "place"), applicable())
def test_nothing_is_lost_that_is_not_counted(name: str, transport: str, place: str, tmp_path: Path) -> None:
    case = CASES[name]
    with reserved_port() as port:
        program = start(case, f"{transport}+http://{KEY}@127.0.0.1:{port}/1", place, tmp_path)
        if case.interlude == "start":
            wait_for(tmp_path / "ready", program)
        with LocalSentry(port=0 if case.interlude == "absent" else port) as sentry:
            sentry.answer(*case.replies)
            sentry.always(case.always)
            play(case, program, tmp_path, sentry)
    accounts = [json.loads(line) for line in (tmp_path / "accounts").read_text(encoding="utf-8").splitlines()]
    ids = [event["event_id"] for event in sentry.events]
    assert [account["left"] for account in accounts] == [0] * len(accounts), "something is in no account"
    seen = Row(
        captured=sum(account["captured"] for account in accounts),
        received=len(set(ids)),
        duplicated=len(ids) - len(set(ids)),
        counted=sum(account["counted"] for account in accounts),
    )
    expected = case.row
    assert seen.duplicated <= expected.duplicated
    assert Row(seen.captured, seen.received, expected.duplicated, seen.counted) == expected


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port that nobody else is given, on which a server can still be started."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def start(case: Case, dsn: str, place: str, folder: Path) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    return subprocess.Popen(
        [
            *(sys.executable, "-X", "dev", "-W", "error", "-W", "ignore:This process:DeprecationWarning"),
            *("-W", "ignore:\nEventlet is deprecated", "-m", "faults.program"),
            *(case.program, place, str(folder), json.dumps(dict(case.options))),
        ],
        env={**environment, "SENTRY_DSN": dsn, "SENTRY_RELEASE": "shop@1"},
        cwd=TESTS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def play(case: Case, program: subprocess.Popen[str], folder: Path, sentry: LocalSentry) -> None:
    """See the program through to its end."""
    if case.interlude == "drop":
        wait_for(folder / "ready", program)
        sentry.drop_connections()
    (folder / "go").touch()
    said = program.communicate(timeout=PATIENCE)[1]
    assert program.returncode == case.status, said
    for complaint in ("Unclosed", "was destroyed", "Warning", "Exception ignored", "never retrieved"):
        assert complaint not in said, said


def wait_for(path: Path, program: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert program.poll() is None, program.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_page_in_the_documentation_says_what_these_tests_show() -> None:
    """``python -m faults.table``, in tests/, writes it."""
    if PAGE.exists():  # a wheel is tested without its documentation
        assert written() == TABLE
