"""Web servers as programs: started, asked, told to end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"

PATIENCE = 20.0
"""Seconds after which a server that still waits has found a bug."""


STRICT = (
    *("-W", "error", "-W", "ignore:pkg_resources is", "-W", "ignore:Deprecated call to `pkg_resources"),
    *("-W", "ignore:'cgi' is deprecated"),
)
"""A program that is run with these warns of nothing; what Pyramid is made with warns of itself."""


def start_example(name: str, *arguments: str, dsn: str, **environment: str) -> subprocess.Popen[str]:
    """A program in ``examples/`` that has been started."""
    return subprocess.Popen(
        [sys.executable, *STRICT, str(EXAMPLES / name), *arguments],
        env={**os.environ, "SENTRY_DSN": dsn, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def serving(
    command: Sequence[str | Path], *, environment: Mapping[str, str], folder: Path, says: str
) -> Iterator[tuple[str, list[str]]]:
    """A server until it is told to end: the part of its output that ``says`` where it listens, and (then) the rest."""
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        rest: list[str] = []
        try:
            yield next(found[1] for line in process.stdout if (found := re.search(says, line))), rest
        finally:
            process.send_signal(signal.SIGTERM)
            rest.append(process.communicate(timeout=PATIENCE)[0])


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
