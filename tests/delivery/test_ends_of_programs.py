"""The last resort at the end of a program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from asyncsentry.testing import Answer, LocalSentry
from delivery.programs import PRELUDE, TRANSPORTS, expected, messages, run


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_other_ends_of_the_program_capture_goes_out_too(
    tmp_path: Path, sentry: LocalSentry, transport: str
) -> None:
    text = """
asyncsentry.init()
atexit.register(capture_message, "registered late")
capture_message("at last")
"""
    path = tmp_path / "early.py"
    path.write_text(
        "import atexit, sys\n"
        "def early():\n"
        "    import asyncsentry\n"
        "    asyncsentry.capture_message('registered early')\n"
        "atexit.register(early)\n",
        encoding="utf-8",
    )
    run(tmp_path, sentry, text, transport=transport)
    assert messages(sentry) == Counter(["registered late", "at last"])
    main = tmp_path / "late.py"
    main.write_text(f"import early\n{PRELUDE}\n{text}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", main],
        env={**os.environ, "SENTRY_DSN": sentry.dsn_for(transport)},
        capture_output=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert messages(sentry)["registered early"] == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_first_capture_may_be_the_last_thing_that_the_program_does(
    tmp_path: Path, sentry: LocalSentry, transport: str
) -> None:
    """After our own end, which came first, as what was registered last does."""
    (tmp_path / "early.py").write_text("import atexit, sys\natexit.register(lambda: sys.last())\n", encoding="utf-8")
    run(
        tmp_path,
        sentry,
        """
asyncsentry.init()
sys.last = lambda: capture_message("last 0")
""",
        transport=transport,
        first="import early\n",
    )
    assert messages(sentry) == expected(last=1)


def test_t24_what_could_not_be_delivered_is_said_in_one_line(tmp_path: Path, sentry: LocalSentry) -> None:
    sentry.always(Answer(503))
    said = run(
        tmp_path,
        sentry,
        """
asyncsentry.init(shutdown_timeout=0.5)
for number in range(3):
    capture_message(f"main {number}")
""",
    )
    assert "3 event(s) could not be delivered" in said
    assert len(said.splitlines()) == 1


def test_one_client_that_fails_at_the_end_does_not_stop_another(tmp_path: Path, sentry: LocalSentry) -> None:
    run(
        tmp_path,
        sentry,
        """
from asyncsentry import process
class Broken:
    def fail(self):
        raise RuntimeError
    at_exit = before_fork = after_fork = fail
broken = [Broken() for _ in range(10)]
for each in broken:
    process.settle(each)
asyncsentry.init(shutdown_timeout=20)
child = os.fork()
capture_message("child 0" if not child else "parent 0")
if child:
    assert os.waitpid(child, 0)[1] == 0
    process.unsettle(broken[0])
    process.unsettle(broken[0])
""",
    )
    assert messages(sentry) == expected(parent=1, child=1)
