"""A client without hooks, whose events a real server receives; and programs that crash in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from asyncsentry.client import Client
from asyncsentry.testing import LocalSentry
from hooks.programs import run_program

Run = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def client(sentry: LocalSentry) -> Iterator[Client[Any]]:
    client = Client(sentry.dsn_for("threaded"), max_in_flight=1)  # what is captured first arrives first
    yield client
    client.close(timeout=5)


@pytest.fixture
def run(sentry: LocalSentry, tmp_path: Path) -> Run:
    """Run a program to its end; SENTRY_DSN is that of ``sentry``."""
    return partial(run_program, folder=tmp_path, dsn=sentry.dsn)
