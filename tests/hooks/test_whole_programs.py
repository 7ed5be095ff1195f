"""A program that does no more than ``init`` and ``asyncio.run``: its errors arrive, once each, for what they are."""

from __future__ import annotations

import pytest

from asyncsentry.testing import LocalSentry
from hooks.conftest import Run
from hooks.programs import EXPECTED, failing_program, outline


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("transport", ["", "asyncio", "threaded", "urllib"])
def test_handled_unawaited_and_crashing_errors_arrive_once_each(
    sentry: LocalSentry, run: Run, transport: str, runs: int
) -> None:
    dsn = sentry.dsn_for(transport) if transport else sentry.dsn
    program = run(failing_program(dsn, runs=runs))
    assert "ZeroDivisionError" in program.stderr
    assert program.returncode == 1
    assert outline(sentry.events) == EXPECTED[runs]
