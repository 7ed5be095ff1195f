"""The command, run as its users do: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]


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
