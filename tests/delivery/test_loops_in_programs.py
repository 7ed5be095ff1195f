"""Event loops that live and end in every way, in whole programs: nothing is lost, and nothing complains."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncsentry.testing import LocalSentry
from delivery.loop_programs import PROGRAMS, run_in_development


@pytest.mark.parametrize("transport", ["auto", "asyncio"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_all_that_a_program_captures_arrives(tmp_path: Path, sentry: LocalSentry, program: str, transport: str) -> None:
    run_in_development(tmp_path, sentry, program, transport=transport)
