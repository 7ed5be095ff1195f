"""A transport of somebody else's: built, installed, and chosen by its word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from hatchling.builders.wheel import WheelBuilder

from asyncsentry.testing import LocalSentry
from docs.programs import all_programs

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "asyncsentry-timers"
version = "1.0"

[project.entry-points."asyncsentry.transports"]
timers = "my_timers:TimerTransport"

[tool.hatch.build.targets.wheel]
include = ["my_timers.py"]
"""

PROGRAM = """
import asyncsentry

client = asyncsentry.init()
asyncsentry.capture_message(f"sent by {type(client.transport).__name__} of {type(client.transport).__module__}")
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the transport of the page "Writing a transport" is installed, from a wheel of its own."""
    folder, target = tmp_path_factory.mktemp("timers"), tmp_path_factory.mktemp("installed")
    (code,) = [program.code for program in all_programs() if program.name == "timers.py"]
    (folder / "my_timers.py").write_text(code, encoding="utf-8")
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (wheel,) = WheelBuilder(str(folder)).build(directory=str(folder / "dist"), versions=["standard"])
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(target), wheel]
    subprocess.run(pip, check=True, capture_output=True)
    return target


def run(installed: Path, *arguments: str, dsn: str = "") -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed), "SENTRY_DSN": dsn}
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=50).stdout


def test_its_word_in_the_dsn_is_all_that_an_application_says(installed: Path, sentry: LocalSentry) -> None:
    run(installed, "-c", dedent(PROGRAM), dsn=sentry.dsn_for("timers"))
    (event,) = sentry.events
    assert event["logentry"]["formatted"] == "sent by TimerTransport of my_timers"


def test_the_command_lists_it(installed: Path) -> None:
    assert "timers" in run(installed, "-m", "asyncsentry", "transports")
