"""Whatever our programs send, Sentry's own normalizer takes whole: it finds no error and has nothing to cut."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from asyncsentry.testing.server import LocalSentry
from docs.programs import OWN_SESSION, PLACEHOLDER, Program, all_programs
from relay.judge import findings, normalize

TESTS = Path(__file__).parents[1]
EACH_KIND = (TESTS / "servers" / "program.py").read_text(encoding="utf-8")
ALL = all_programs()
PROGRAMS = [
    Program("servers", "program.py", EACH_KIND),
    *(program for program in ALL if program.sends and program.page not in OWN_SESSION),
]


def payloads_of(program: Program, sentry: LocalSentry, folder: Path) -> list[bytes]:
    """Run the program, and return its events as they came over the wire."""
    for each in (*(each for each in ALL if each.page == program.page), program):  # one may import another of its page
        (folder / each.name).write_text(each.code.replace(PLACEHOLDER, sentry.dsn), encoding="utf-8")
    environment = {**os.environ, "SENTRY_DSN": sentry.dsn}
    done = subprocess.run([sys.executable, program.name], cwd=folder, env=environment, capture_output=True, timeout=50)
    assert done.returncode == program.exits, done.stderr.decode()
    return [item.payload for envelope in sentry.envelopes for item in envelope.items if item.type == "event"]


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_relay_takes_every_event_of_a_program_whole(program: Program, sentry: LocalSentry, tmp_path: Path) -> None:
    payloads = payloads_of(program, sentry, tmp_path)
    assert payloads
    assert [finding for payload in payloads for finding in findings(payload)] == []


def plain_event(**more: object) -> bytes:
    event: Mapping[str, object] = {"event_id": uuid4().hex, "timestamp": time.time(), "platform": "python", **more}
    return json.dumps(event).encode()


def test_the_judge_takes_an_event_that_is_right() -> None:
    payload = plain_event(logentry={"formatted": "hello"}, tags={"colour": "red"})
    assert findings(payload) == []
    assert normalize(payload)["logentry"]["formatted"] == "hello"


def test_the_judge_finds_what_is_wrong() -> None:
    (finding,) = findings(plain_event(environment="none"))
    assert finding.startswith("environment: ")
