"""The SDK changes nothing of what a program does: every program here runs without it, and with it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from asyncsentry.testing import LocalSentry
from differential.programs import logs, loops, objects, surroundings, uncaught, ways
from differential.programs.program import Program
from differential.running import outline, run_both

PROGRAMS = [program for module in (uncaught, loops, logs, objects, surroundings, ways) for program in module.PROGRAMS]
SAID = "2 event(s) could not be delivered before the program ended"
BY_ALL = [program for program in PROGRAMS if program.by_all]


def name(program: Program) -> str:
    return program.name


@pytest.mark.parametrize("program", PROGRAMS, ids=name)
def test_a_program_does_the_same_with_the_sdk(program: Program, sentry: LocalSentry, tmp_path: Path) -> None:
    compare(program, sentry, "auto", tmp_path)


@pytest.mark.parametrize("transport", ["asyncio", "threaded", "urllib"])
@pytest.mark.parametrize("program", BY_ALL, ids=name)
def test_a_program_does_the_same_with_each_transport(
    program: Program, sentry: LocalSentry, transport: str, tmp_path: Path
) -> None:
    compare(program, sentry, transport, tmp_path)


def test_what_could_not_be_delivered_is_said_at_the_end_and_is_all_that_differs(tmp_path: Path) -> None:
    program = Program("a program", "capture_message('lost')\nprint('on')\n1 / 0\n")
    with socket.socket() as nobody:  # does not listen
        nobody.bind(("127.0.0.1", 0))
        without, with_it = run_both(program, tmp_path, f"http://key@127.0.0.1:{nobody.getsockname()[1]}/1")
    assert with_it == without._replace(stderr=f"{without.stderr}{SAID}\n")


def compare(program: Program, sentry: LocalSentry, transport: str, folder: Path) -> None:
    without, with_it = run_both(program, folder, sentry.dsn_for(transport))
    assert with_it == without
    assert without.code == program.code, without.stderr
    assert outline(sentry.events) == sorted(program.events)
