"""A program in two processes: one as it is, one with the SDK set up; and all that can be seen of each from outside."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncsentry
from differential.programs.program import Program

LINE: Final = "import os; exec(os.environ['SET_UP'])"
"""The line that stands in every program; what it does is not the same for both processes."""

WITHOUT: Final = """
from functools import partial as init
add_breadcrumb = capture_exception = capture_message = flush = set_tag = init(lambda *_, **__: None)
"""
WITH: Final = """
from asyncsentry import add_breadcrumb, capture_exception, capture_message, flush, init, set_tag
init()
"""

_NOT_THE_SAME_TWICE: Final = (
    (r"0x[0-9a-f]+", "ADDRESS"),
    (r"\b(in|Thread-?|pid|ident)[ =]\d{5,}\b", r"\1 NUMBER"),
    (r"(?<=<Thread\(worker, stopped )\d+", "NUMBER"),
    (r"\d+\.\d{3}s\b", "TIME"),
)
"""Of any process: addresses of objects, numbers of threads, and how long tests took."""


class Seen(NamedTuple):
    code: int
    stdout: str
    stderr: str


def run_both(program: Program, folder: Path, dsn: str) -> tuple[Seen, Seen]:
    """What is seen of the program without the SDK, and with it, which has ``dsn``. They run at the same time."""
    text = program.text.lstrip("\n")
    text = text.replace("# set-up", LINE) if "# set-up" in text else f"{LINE}\n{text}"
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    processes = [_start(program, folder, {"SENTRY_DSN": dsn, "SET_UP": set_up}) for set_up in (WITHOUT, WITH)]
    for process in processes:
        if process.stdin is not None:
            process.stdin.write(text)
            process.stdin.close()
            process.stdin = None
    try:
        without, with_it = map(_see, processes)
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    return without, with_it


def _start(program: Program, folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "PYTHON"))}
    packages = [path for path in sys.path if (Path(path) / "asyncsentry_transports").is_dir()]
    sources = [str(Path(asyncsentry.__file__).parents[1]), *packages]
    process = subprocess.Popen(
        [sys.executable, *program.flags, *program.runs_as],
        cwd=folder,
        env={**inherited, **environment, "PYTHONPATH": os.pathsep.join(sources), "SENTRY_RELEASE": "shop@1"},
        stdin=subprocess.PIPE if program.stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    if program.closed:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
    return process


def _see(process: subprocess.Popen[str]) -> Seen:
    stdout, stderr = process.communicate(timeout=50)
    return Seen(process.returncode, _leveled(stdout or ""), _leveled(stderr))


def _leveled(text: str) -> str:
    for pattern, name in _NOT_THE_SAME_TWICE:
        text = re.sub(pattern, name, text)
    return text


def outline(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """Of each event the type of its error, or its message. A server knows an event that is sent again by its id."""
    known = {event["event_id"]: event for event in events}
    return sorted(
        event["exception"]["values"][-1]["type"] if "exception" in event else event["logentry"]["formatted"]
        for event in known.values()
    )
