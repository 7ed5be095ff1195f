"""A client without hooks, whose events a real server receives; and programs that crash in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from asyncsentry.client import Client
from asyncsentry.testing import LocalSentry

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def client(sentry: LocalSentry) -> Iterator[Client[Any]]:
    client = Client(sentry.dsn_for("threaded"))
    yield client
    client.close(timeout=5)


@pytest.fixture
def run(sentry: LocalSentry, tmp_path: Path) -> Run:
    """Run a program to its end; SENTRY_DSN is that of ``sentry``."""

    def run(program: str, *, flags: tuple[str, ...] = (), stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "program.py"
        path.write_text(dedent(program), encoding="utf-8")
        environ = {**os.environ, "SENTRY_DSN": sentry.dsn}
        return subprocess.run(
            [sys.executable, *flags, str(path)],
            env=environ,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=30,
            check=False,
        )

    return run
