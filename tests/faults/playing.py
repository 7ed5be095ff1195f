"""A case played through: its program as a process of its own, and the server that it sends to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from asyncsentry.testing import LocalSentry
from faults.cases import Case, Row

TESTS = Path(__file__).parents[1]
PATIENCE = 50.0
KEY = "a" * 32


@dataclass(frozen=True)
class Outcome:
    """What became of what was captured; the program's exit status, and what it said on standard error."""

    row: Row
    left: int
    """What is in no account but those of things to come."""
    status: int
    said: str


def play(case: Case, place: str, folder: Path, *, transport: str = "", sdk: str = "asyncsentry") -> Outcome:
    """Run the case's program to its end; ``transport`` goes in the DSN, where the SDK knows that."""
    prefix = f"{transport}+" if transport else ""
    with _reserved_port() as port:
        dsn = f"{prefix}http://{KEY}@127.0.0.1:{port}/1"
        if case.first:
            with _running(replace(case, program=case.first), dsn, place, folder, sdk) as killed:
                said = killed.communicate(timeout=PATIENCE)[1]
            assert killed.returncode == -signal.SIGKILL, said
        with ExitStack() as running:

            def start() -> subprocess.Popen[str]:
                return running.enter_context(_running(case, dsn, place, folder, sdk))

            def serve() -> LocalSentry:
                sentry = running.enter_context(LocalSentry(port=0 if case.interlude == "absent" else port))
                sentry.answer(*case.replies)
                sentry.always(case.always)
                return sentry

            if case.interlude == "start":
                program = start()
                _wait_for(folder / "ready", program)
                sentry = serve()
            else:
                sentry = serve()
                program = start()
            if case.interlude == "drop":
                _wait_for(folder / "ready", program)
                sentry.drop_connections()
            (folder / "go").touch()
            said = program.communicate(timeout=PATIENCE)[1]
    accounts = [json.loads(line) for line in (folder / "accounts").read_text(encoding="utf-8").splitlines()]
    ids = [event["event_id"] for event in sentry.events]
    told = _told(sentry)
    row = Row(
        captured=sum(account["captured"] for account in accounts),
        received=len(set(ids)),
        duplicated=len(ids) - len(set(ids)),
        # What another SDK counts for itself nobody can ask.
        counted=sum(account["counted"] for account in accounts) if sdk == "asyncsentry" else told,
        told=told,
    )
    return Outcome(row, sum(account["left"] for account in accounts), program.returncode, said)


def _told(sentry: LocalSentry) -> int:
    """How many errors the server was told of as not delivered. One that was told of twice counts twice, as there."""
    rows = [row for report in sentry.client_reports for row in report["discarded_events"]]
    return sum(row["quantity"] for row in rows if row["category"] == "error")


@contextmanager
def _reserved_port() -> Iterator[int]:
    """A port that nobody else is given, on which a server can still be started."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def _running(case: Case, dsn: str, place: str, folder: Path, sdk: str) -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    ignored = ("ignore:This process:DeprecationWarning", "ignore:Using fork:DeprecationWarning")  # it is meant so
    strict = ("-X", "dev", *(part for warning in ("error", *ignored) for part in ("-W", warning)))
    with subprocess.Popen(
        [
            *(sys.executable, *(strict if sdk == "asyncsentry" else ()), "-m", "faults.program"),
            *(sdk, case.program, place, str(folder), json.dumps(dict(case.options))),
        ],
        env={**environment, "SENTRY_DSN": dsn, "SENTRY_RELEASE": "shop@1"},
        cwd=TESTS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as program:
        try:
            yield program
        finally:
            program.kill()  # if it has not ended


def _wait_for(path: Path, program: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert program.poll() is None, program.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
