"""A crash of the interpreter itself is an event of the next start, where that was asked for."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from asyncsentry.client import Client
from asyncsentry.delivery.spool import names
from asyncsentry.delivery.spool.folder import Folder
from asyncsentry.dsn import parse
from asyncsentry.errors import OptionError
from asyncsentry.options import resolve
from asyncsentry.testing import Answer, LocalSentry
from delivery.programs import PRELUDE
from spool.programs import program

LONG = 15.0
CRASH = """
def deep():
    os.kill(os.getpid(), signal.SIGSEGV)
deep()
"""


def run(
    tmp_path: Path, sentry: LocalSentry, text: str, *arguments: str, **options: object
) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "program.py"
    path.write_text(PRELUDE + program(tmp_path / "spool", text, **options), encoding="utf-8")
    return subprocess.run(
        [sys.executable, *arguments, path],
        env={**os.environ, "SENTRY_DSN": sentry.dsn, "SENTRY_RELEASE": "shop@1"},
        capture_output=True,
        encoding="utf-8",
        timeout=50,
    )


def next_start(tmp_path: Path, sentry: LocalSentry) -> None:
    """Start once more, until nothing but the file for its own crash is in the spool."""
    wait = f"""
def files():
    (folder, *others) = os.listdir({str(tmp_path / "spool")!r})
    # While there are others, a file may be moved from one to one that was looked at before it came there.
    return others or [name for name in os.listdir(os.path.join({str(tmp_path / "spool")!r}, folder)) if "." in name]
until = time.monotonic() + {LONG}
while files() != ["fatal.txt"]:
    assert time.monotonic() < until
    time.sleep(0.01)
"""
    done = run(tmp_path, sentry, wait, report_fatal_errors=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_crash_arrives_at_the_next_start(tmp_path: Path, sentry: LocalSentry) -> None:
    # A thread that runs changes its stack while `faulthandler` reads it, which then may get no further.
    quiet = "client._shipping.dispatcher.spool.catch_up()"
    assert run(tmp_path, sentry, quiet + CRASH, report_fatal_errors=True).returncode == -11
    assert not sentry.events
    next_start(tmp_path, sentry)
    (arrived,) = sentry.events
    (error,) = arrived["exception"]["values"]
    assert (arrived["level"], error["value"]) == ("fatal", "Segmentation fault")
    assert [frame["function"] for frame in error["stacktrace"]["frames"]] == ["<module>", "deep"]
    (envelope,) = sentry.envelopes
    (attachment,) = (item for item in envelope.items if item.type == "attachment")
    assert attachment.payload.startswith(b"Fatal Python error: Segmentation fault")


def test_of_a_program_that_crashes_at_each_start_no_crash_is_lost(tmp_path: Path, sentry: LocalSentry) -> None:
    for _ in range(4):
        assert run(tmp_path, sentry, CRASH, report_fatal_errors=True).returncode == -11
    next_start(tmp_path, sentry)
    assert len({event["event_id"] for event in sentry.events}) == 4  # what was under way in a crash comes twice


def test_a_crash_of_a_forked_child_arrives_too(tmp_path: Path, sentry: LocalSentry) -> None:
    text = f"""
child = os.fork()
if not child:
    {CRASH.strip().replace(chr(10), chr(10) + "    ")}
os.waitpid(child, 0)
"""
    done = run(tmp_path, sentry, text, "-W", "ignore", report_fatal_errors=True)
    assert done.returncode == 0
    next_start(tmp_path, sentry)
    assert len(sentry.events) == 1


def test_a_program_that_ends_well_leaves_nothing(tmp_path: Path, sentry: LocalSentry) -> None:
    run(tmp_path, sentry, "", report_fatal_errors=True)
    next_start(tmp_path, sentry)
    assert sentry.events == ()


def test_what_is_delivered_at_its_end_and_what_crashed_are_apart(tmp_path: Path, sentry: LocalSentry) -> None:
    sentry.always(Answer(503))
    run(tmp_path, sentry, "capture_message('kept')\nspooled(1)" + CRASH, report_fatal_errors=True)
    sentry.always(Answer())
    next_start(tmp_path, sentry)
    known = {event["event_id"]: event for event in sentry.events}  # a request may arrive though its sender is gone
    assert sorted(event["level"] for event in known.values()) == ["fatal", "info"]


def test_an_application_s_own_faulthandler_is_left_alone(tmp_path: Path, sentry: LocalSentry) -> None:
    done = run(tmp_path, sentry, CRASH, "-X", "faulthandler", report_fatal_errors=True)
    assert done.returncode == -11
    assert "Segmentation fault" in done.stderr
    assert list((tmp_path / "spool").glob("*/fatal.txt")) == []
    done = run(tmp_path, sentry, "print(*seen.warnings)", "-X", "faulthandler", report_fatal_errors=True)
    assert "faulthandler is enabled already" in done.stdout


def test_what_was_killed_did_not_crash(tmp_path: Path, sentry: LocalSentry) -> None:
    run(tmp_path, sentry, "os._exit(0)", report_fatal_errors=True)
    assert len(list((tmp_path / "spool").glob("*/fatal.txt"))) == 1
    next_start(tmp_path, sentry)
    assert not sentry.events


def test_where_there_is_no_file_for_them_that_is_said(tmp_path: Path) -> None:
    text = """
import faulthandler, logging
logging.basicConfig(format="%(message)s")
from asyncsentry.delivery.spool.fatal import FatalErrors
from asyncsentry.delivery.spool.folder import Folder
fatal = FatalErrors(Folder("/dev/null/spool", "0" * 16, durable=False))
fatal.begin()
fatal.end()
print(faulthandler.is_enabled())
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, encoding="utf-8", timeout=50)
    assert done.stdout == "False\n"
    assert "fatal errors are not reported" in done.stderr


def test_it_needs_a_spool() -> None:
    with pytest.raises(OptionError, match="needs spool"):
        resolve("", None, {"report_fatal_errors": True}, {})


def test_where_nobody_asked_for_it_a_crash_is_not_reported(
    tmp_path: Path, sentry: LocalSentry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "asyncsentry")
    gone = Folder(str(tmp_path), names.digest(parse(sentry.dsn)), durable=False)
    with gone.open_fatal() as file:
        file.write(b"Fatal Python error: Aborted\n")
    gone.close()
    assert len(list(tmp_path.glob("*/fatal.txt"))) == 1
    client: Client[Any] = Client(sentry.dsn_for("threaded"), spool=tmp_path)
    client.capture_message("something else")
    while "report_fatal_errors is off" not in caplog.text:  # the spool's own thread finds that, some time
        time.sleep(0.01)
    client.close(LONG)
    assert [event["level"] for event in sentry.events] == ["info"]
    assert list(tmp_path.iterdir()) == []
