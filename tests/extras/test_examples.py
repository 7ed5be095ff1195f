"""The programs in ``examples/`` that belong to no transport of a library's own: each crashes, and the crash arrives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from asyncsentry.testing import LocalSentry

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE = 30.0


def start(name: str, *arguments: str, dsn: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
        env={**os.environ, "SENTRY_DSN": dsn, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def errors(sentry: LocalSentry) -> list[tuple[str, str]]:
    """The type of each event's error, and by which mechanism it came."""
    values: list[dict[str, Any]] = [event["exception"]["values"][-1] for event in sentry.events]
    return sorted((value["type"], value["mechanism"]["type"]) for value in values)


def test_an_aiohttp_server_reports_its_crashes(sentry: LocalSentry) -> None:
    port = free_port()
    with start("aiohttp_server.py", str(port), dsn=sentry.dsn) as program:
        try:
            assert program.stdout
            assert program.stdout.readline() == "ready\n"
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/Ada", timeout=PATIENCE) as answer:
                assert answer.read() == b"Hello, Ada!\n"
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/nobody", timeout=PATIENCE)
            assert refused.value.code == 500
            refused.value.close()
            sentry.wait_for_events(1, PATIENCE)
        finally:
            program.terminate()
    assert errors(sentry) == [("LookupError", "logging")]


def test_a_script_reports_its_threads_crashes_and_its_own(sentry: LocalSentry) -> None:
    with start("threaded_script.py", dsn=sentry.dsn) as program:
        output, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 1
    for line in ("5 letters, 0.20 of all in each", "6 letters, 0.17 of all in each"):
        assert line in output  # the threads may write at the same time
    assert errors(sentry) == [("ZeroDivisionError", "excepthook"), ("ZeroDivisionError", "threading")]
    assert [event["tags"] for event in sentry.events if "tags" in event] == [{"job": "letters"}]


def test_a_handler_on_lambda_has_sent_all_when_it_returns(sentry: LocalSentry) -> None:
    with start("lambda_handler.py", dsn=sentry.dsn, AWS_LAMBDA_FUNCTION_NAME="greet") as program:
        output, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 1
    assert output == "Hello, Ada!\n"
    assert errors(sentry) == [("KeyError", "generic")]
