"""The same whole programs as in tests/hooks, with the loop and the transport that have to be installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncsentry.testing import LocalSentry
from hooks.programs import EXPECTED, failing_program, outline, run_program

UVLOOP = "import uvloop; uvloop.install()"


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize(
    ("transport", "prelude"),
    [
        *((library, prelude) for library in ("aiohttp", "httpx", "tornado") for prelude in ("", UVLOOP)),
        *((own, UVLOOP) for own in ("", "asyncio", "threaded", "urllib")),
    ],
)
def test_handled_unawaited_and_crashing_errors_arrive_once_each(
    sentry: LocalSentry, tmp_path: Path, transport: str, prelude: str, runs: int
) -> None:
    dsn = sentry.dsn_for(transport) if transport else sentry.dsn
    program = run_program(failing_program(dsn, runs=runs, prelude=prelude), folder=tmp_path, dsn=dsn)
    assert program.returncode == 1
    assert outline(sentry.events) == EXPECTED[runs]
