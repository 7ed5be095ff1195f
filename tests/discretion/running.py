"""Runs the program that says all it can."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Final

from asyncsentry.dsn import parse
from asyncsentry.testing import LocalSentry
from extras.serving import free_port
from transports.scripted import answer, scripted

TESTS: Final = Path(__file__).parents[1]

TRIES: Final = 50
"""More often than that nobody connects to one server."""

SECRET: Final = "quince4711secret"
PASSWORD: Final = "quince4711password"
TELLING: Final = (SECRET, PASSWORD, b64encode(f"ada:{PASSWORD}".encode()).decode().rstrip("="), "cXVpbmNl")
"""What may not be printed; the last is how what comes after some users' names begins."""


def run_discreetly(sentry: LocalSentry, transport: str) -> str:
    """What the program prints by this transport, all of it."""
    with scripted(*[answer(b"HTTP/0.1 what?\r\n\r\n")] * TRIES) as babbling:
        ports = (str(port) for port in (sentry.port, free_port(), babbling))
        program = (sys.executable, "-X", "dev", "-u", "-m", "discretion.program")
        done = subprocess.run(
            [*program, transport, parse(sentry.dsn).public_key, *ports],
            cwd=TESTS,
            env={**os.environ, "SECRET": SECRET, "PASSWORD": PASSWORD},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=50,
            check=False,
        )
    assert done.returncode == 1, done.stdout  # it ends with a mistake
    return done.stdout


def command(*arguments: str, **variables: str) -> str:
    """All that ``asyncsentry`` prints."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "asyncsentry", *arguments],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=50,
        check=False,
    )
    assert done.stdout
    return done.stdout


def told(output: str) -> list[str]:
    """The lines that hold a secret."""
    return [line for line in output.splitlines() if any(secret in line for secret in TELLING)]
