"""``asyncsentry demo``: a program that fails in three ways, and what its server receives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Final

from asyncsentry import dsn as dsns, registry
from asyncsentry.cli.ink import ink_for
from asyncsentry.cli.show import Arrival, Event, errors_of, show
from asyncsentry.testing import LocalSentry

PROGRAM: Final = Path(__file__).with_name("demo_program.py")
TIME_LIMIT: Final = 60.0
"""Seconds that the program may take. It needs one, unless something hangs."""
_NO_PROXY: Final[Mapping[str, str]] = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
_NOTHING: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Failure:
    """What the program does wrong, and how its event is known."""

    error: str
    mechanism: str
    story: str


FAILURES: Final = (
    Failure("ZeroDivisionError", "generic", "the error that the program handles"),
    Failure("ConnectionError", "asyncio", "the error of the task that nobody awaits"),
    Failure("KeyError", "excepthook", "the crash out of asyncio.run"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """What the program printed, and whether it ended by itself."""

    output: str
    errors: str
    ended: bool


def watch(transport: str | None = None, *, as_json: bool = False) -> int:
    """Run the program against a server on loopback, and show what that receives. 0 if it is everything."""
    if transport:
        registry.find(transport, "--transport")
    with LocalSentry() as server:
        return show_run(server, transport, as_json=as_json)


def show_run(
    server: LocalSentry, transport: str | None = None, *, as_json: bool = False, time_limit: float = TIME_LIMIT
) -> int:
    """The same with a server that runs already, and answers as it was told to."""
    dsn = server.dsn_for(transport) if transport else server.dsn
    if not as_json:
        print(f"A program fails in three ways, and a server on this machine listens:\n\n   {_command(dsn)}")
    run = _run_program(dsn, variables=_NO_PROXY, time_limit=time_limit)
    arrivals = _arrivals(server, transport or registry.DEFAULT)
    ink = ink_for(sys.stdout)
    for number, arrival in enumerate(arrivals, start=1):
        print(json.dumps(arrival.event) if as_json else "\n".join(["", *show(number, arrival, ink)]))
    missing = _missing(arrival.event for arrival in arrivals)
    if missing:
        _complain(missing, server, run)
        return 1
    if not as_json:
        print(f"\n{ink.good('All three arrived.')} Next: asyncsentry test YOUR_DSN")
    return 0


def send(dsn: str, transport: str | None = None) -> int:
    """Run the program with this DSN, and say which events it captured. 0 if all of them were delivered."""
    target = dsns.parse(dsn)
    name = transport or target.transport or registry.DEFAULT
    registry.find(name, "--transport" if transport else "the DSN")
    print(f"A program fails in three ways, and tells {target} by the transport {name}:\n")
    scheme, separator, rest = dsn.strip().partition("://")
    run = _run_program(f"{name}+{scheme.rpartition('+')[2]}{separator}{rest}", "--wait")
    captured = [line for line in run.output.splitlines() if line.startswith("captured ")]
    print(*captured, sep="\n")
    if len(captured) == len(FAILURES) and "delivered" in run.output.splitlines():
        print("\n" + ink_for(sys.stdout).good("All three were delivered."))
        return 0
    print(ink_for(sys.stderr).bad("Not everything was delivered."), "Ask why: asyncsentry test DSN", file=sys.stderr)
    print(run.errors, end="", file=sys.stderr)
    return 1


def _command(dsn: str) -> str:
    return f"SENTRY_DSN={dsn} python {PROGRAM.name}"


def _run_program(
    dsn: str, *arguments: str, variables: Mapping[str, str] = _NOTHING, time_limit: float = TIME_LIMIT
) -> Run:
    """Run it as anybody would, in a folder of its own; only its failures are not for this terminal."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SENTRY_")}
    environ = {**ours, **variables, "SENTRY_DSN": dsn, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with TemporaryDirectory() as folder:
        copy(PROGRAM, folder)
        command = [sys.executable, PROGRAM.name, *arguments]
        try:
            done = subprocess.run(
                command, cwd=folder, env=environ, capture_output=True, encoding="utf-8", timeout=time_limit, check=False
            )
        except subprocess.TimeoutExpired:
            return Run("", "", ended=False)
    return Run(done.stdout, done.stderr, ended=True)


def _arrivals(server: LocalSentry, transport: str) -> list[Arrival]:
    """What arrived, in the order of its capture. An event whose answer was lost may have come twice, under one id."""
    arrivals: dict[str, Arrival] = {}
    for request in server.requests:
        if request.envelope and request.accepted:
            for event in request.envelope.payloads("event"):
                arrivals.setdefault(event["event_id"], Arrival(event, transport, request.received_at))
    return sorted(arrivals.values(), key=lambda arrival: arrival.captured_at)


def _missing(events: Iterable[Event]) -> list[Failure]:
    raised = [errors[-1] for errors in map(errors_of, events) if errors]
    arrived = {(error.get("type"), error.get("mechanism", {}).get("type")) for error in raised}
    return [failure for failure in FAILURES if (failure.error, failure.mechanism) not in arrived]


def _complain(missing: list[Failure], server: LocalSentry, run: Run) -> None:
    """Say on standard error what did not arrive, and whatever may explain it."""
    paint = ink_for(sys.stderr).bad
    for failure in missing:
        print(paint(f"Did not arrive: {failure.error}, {failure.story}."), file=sys.stderr)
    for request in server.requests:
        if not request.accepted:
            print(f"Not taken: {request}", file=sys.stderr)
    if not run.ended:
        print("The program did not end in time.", file=sys.stderr)
    print(run.errors, end="", file=sys.stderr)
