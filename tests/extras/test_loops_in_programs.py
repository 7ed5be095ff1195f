"""The same whole programs as in tests/delivery, with the loop and the transports that have to be installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from asyncsentry.testing import Answer, LocalSentry
from delivery.loop_programs import PROGRAMS, run_in_development
from delivery.programs import expected, messages

ON_UVLOOP = """
import uvloop
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
"""


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_all_that_a_program_captures_arrives(tmp_path: Path, sentry: LocalSentry, program: str, transport: str) -> None:
    run_in_development(tmp_path, sentry, program, transport=transport)


@pytest.mark.parametrize("program", PROGRAMS)
def test_all_that_a_program_on_uvloop_captures_arrives(tmp_path: Path, sentry: LocalSentry, program: str) -> None:
    # uvloop itself cannot close while somebody is connected and warnings are errors; nor where Ctrl-C came amid its own
    # work, and before Python 3.11 it comes anywhere
    strict = program != "closed" and (program != "interrupted" or sys.version_info >= (3, 11))
    run_in_development(tmp_path, sentry, program, transport="auto", first=ON_UVLOOP, strict=strict)


SETTINGS = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""
TESTS = """
import asyncio, gc
import asyncsentry, pytest_asyncio

asyncsentry.init(shutdown_timeout=20)

@pytest_asyncio.fixture
async def shop():
    asyncsentry.capture_message("set-up 0")
    yield "shop"
    asyncsentry.capture_message("tear-down 0")

async def test_a_test_captures(shop):
    asyncsentry.capture_message("test 0")

async def test_a_task_is_left():
    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            asyncsentry.capture_message("left 0")
    task = asyncio.create_task(work())
    await asyncio.sleep(0)

def test_a_test_without_a_loop_captures():
    asyncsentry.capture_message("outside 0")
    gc.collect()
"""


@pytest.mark.parametrize("transport", ["auto", "aiohttp"])
def test_tests_with_loops_of_pytest_s_deliver(tmp_path: Path, sentry: LocalSentry, transport: str) -> None:
    sentry.always(Answer(delay=0.05))
    (tmp_path / "test_shop.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(SETTINGS, encoding="utf-8")
    plugins = [part for name in ("xdist", "timeout", "asyncsentry") for part in ("-p", f"no:{name}")]
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-m", "pytest", "-q", *plugins, "-W", "error"],
        cwd=tmp_path,
        env={**os.environ, "SENTRY_DSN": sentry.dsn_for(transport), "SENTRY_RELEASE": "shop@1"},
        capture_output=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = dict.fromkeys(("set-up", "test", "tear-down", "left", "outside"), 1)
    assert set(messages(sentry)) == set(expected(**counts))
