"""What is never sent unasked, of a whole program: what it was started with, and what its environment says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from asyncsentry.testing import LocalSentry

PROGRAM = """
import asyncsentry
asyncsentry.init({dsn!r}, send_default_pii={personal})
asyncsentry.capture_message("a message")
1 / 0
"""


@pytest.mark.parametrize("personal", [False, True])
def test_arguments_and_environment_are_not_sent(sentry: LocalSentry, tmp_path: Path, personal: bool) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM.format(dsn=sentry.dsn_for("urllib"), personal=personal), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(path), "--pass", "quince-argument"],
        env={"HOME": str(tmp_path), "FRUIT": "quince-variable", "USER": "quince-user", "LOGNAME": "quince-user"},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    message, error = sentry.events
    assert (message["logentry"]["formatted"], error["exception"]["values"][0]["type"]) == (
        "a message",
        "ZeroDivisionError",
    )
    assert "quince" not in json.dumps(sentry.events)
    assert not {"user", "request"} & {*message, *error}
