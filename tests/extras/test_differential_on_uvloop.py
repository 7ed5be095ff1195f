"""The SDK changes nothing of what a program does on uvloop either."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncsentry.testing import LocalSentry
from differential.programs import loops
from differential.programs.program import Program
from differential.running import outline, run_both

PROGRAMS = [
    program
    for program in loops.PROGRAMS
    if program.by_all and program.name != "the numbers of tasks"  # uvloop takes one itself for each connection
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_program_does_the_same_on_uvloop(program: Program, sentry: LocalSentry, tmp_path: Path) -> None:
    text = program.text.replace("import asyncio", "import uvloop; uvloop.install(); import asyncio", 1)
    without, with_it = run_both(program._replace(text=text), tmp_path, sentry.dsn)
    assert with_it == without
    assert without.code == program.code, without.stderr
    assert outline(sentry.events) == sorted(program.events)
