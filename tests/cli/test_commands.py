"""The command itself: its help, its version, and the list of transports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from asyncsentry.cli import INTERRUPTED, main
from asyncsentry.testing import Hang, LocalSentry
from asyncsentry.version import __version__
from cli.conftest import Command, Started, interrupt


def test_it_tells_its_version(asyncsentry: Command) -> None:
    assert asyncsentry("--version").stdout == f"asyncsentry {__version__}\n"


def test_it_prints_to_whatever_stands_for_standard_output() -> None:
    output = StringIO()
    with redirect_stdout(output):
        assert main(["transports"]) == 0
    assert "threaded" in output.getvalue()


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "asyncsentry", "demo", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stdout
        assert demo.stderr
        demo.stdout.close()
        assert demo.stderr.read() == ""
        assert demo.wait(50) == 1


@pytest.mark.parametrize("arguments", [("demo", "--dsn"), ("test",)])
def test_a_command_ends_quietly_at_ctrl_c(start: Started, sentry: LocalSentry, arguments: tuple[str, ...]) -> None:
    sentry.always(Hang())
    command = start(*arguments, sentry.dsn)
    sentry.wait_for(lambda: sentry.requests, 20.0)
    assert interrupt(command)[::2] == (INTERRUPTED, "")


def test_its_help_names_the_commands_and_gives_examples(asyncsentry: Command) -> None:
    done = asyncsentry("--help")
    assert done.returncode == 0
    for word in ("demo", "test", "transports", "doctor", "examples:"):
        assert word in done.stdout


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("demo", "--nonsense")])
def test_a_call_that_makes_no_sense_shows_how_to_call_it(asyncsentry: Command, arguments: tuple[str, ...]) -> None:
    done = asyncsentry(*arguments)
    assert done.returncode == 2
    assert "usage: asyncsentry" in done.stderr


def test_transports_lists_what_is_there_and_what_is_the_default(asyncsentry: Command) -> None:
    done = asyncsentry("transports")
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("   ")}
    assert done.returncode == 0
    assert {"asyncio", "auto", "threaded", "urllib"} <= lines.keys()
    assert "installed" in lines["threaded"]
    assert done.stdout.endswith("Where neither does: auto.\n")
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_transports_says_which_one_the_environment_asks_for(asyncsentry: Command) -> None:
    assert asyncsentry("transports", SENTRY_TRANSPORT="sync").stdout.endswith("Where neither does: urllib.\n")


def test_transports_says_what_was_registered_in_vain(asyncsentry: Command, tmp_path: Path) -> None:
    metadata = tmp_path / "stranger-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[asyncsentry.transports]\nthreaded = stranger:Transport\n")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    done = asyncsentry("transports", PYTHONPATH=path)
    assert "\nNot used: threaded (stranger 1.0), as that name is ours.\n" in done.stdout


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        ("ModuleNotFoundError('no', name='aiohttp')", 'missing    pip install "asyncsentry[aiohttp]"'),
        ("ImportError('built for another Python')", "broken     the transport 'aiohttp' cannot be imported:"),
    ],
)
def test_transports_says_what_one_that_cannot_be_used_takes(
    asyncsentry: Command, tmp_path: Path, failure: str, state: str
) -> None:
    (tmp_path / "aiohttp.py").write_text(f"raise {failure}", encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    done = asyncsentry("transports", PYTHONPATH=path)
    assert done.returncode == 0
    assert f"   aiohttp {state}" in re.sub(r"(?<=aiohttp) +", " ", done.stdout)
