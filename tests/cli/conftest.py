"""The command, run as its users do: in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]
Started = Callable[..., "subprocess.Popen[str]"]


def interrupt(command: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Press Ctrl-C; gives the exit status, and what was printed since it was read last."""
    command.send_signal(signal.SIGINT)
    output, errors = command.communicate(timeout=50)
    return command.returncode, output, errors


@pytest.fixture
def asyncsentry() -> Command:
    """Run ``asyncsentry`` with these arguments, and with these variables beside the environment's."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "asyncsentry", *arguments],
            env={**os.environ, **variables},
            capture_output=True,
            encoding="utf-8",
            timeout=50,
            check=False,
        )

    return run


@pytest.fixture
def start() -> Iterator[Started]:
    """Start ``asyncsentry`` with these arguments; it has ended when the test has."""
    with ExitStack() as commands:

        def start(*arguments: str) -> subprocess.Popen[str]:
            command = subprocess.Popen(
                [sys.executable, "-u", "-m", "asyncsentry", *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
            commands.enter_context(command)
            commands.callback(command.kill)
            return command

        yield start
