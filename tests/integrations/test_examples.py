"""The applications in ``examples/``: each greets whoever the path names, and reports that there is nobody to greet."""

from __future__ import annotations

import time
from contextlib import suppress
from subprocess import Popen, TimeoutExpired

import pytest

from asyncsentry.testing import LocalSentry
from extras.serving import EXAMPLES, free_port, start_example
from integrations.asking import Answer, Connection
from integrations.serving import PATIENCE, outline


def ask_when_open(program: Popen[str], url: str, path: str) -> Answer:
    """What a server answers that is about to listen."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with Connection(url) as connection:
                return connection.ask("GET", path)
        except ConnectionRefusedError:
            assert program.poll() is None, program.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)


def end(program: Popen[str]) -> None:
    """Tell it to end until it does: Sanic overhears what comes while it starts, when it answers already."""
    for patience in (PATIENCE / 4, PATIENCE / 4, PATIENCE / 2):
        program.terminate()
        with suppress(TimeoutExpired):
            program.communicate(timeout=patience)
            return
    raise AssertionError("the program does not end")


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*_app.py")))
def test_an_application_reports_its_errors(sentry: LocalSentry, name: str) -> None:
    port = free_port()
    with start_example(name, str(port), dsn=sentry.dsn) as program:
        try:
            greeting = ask_when_open(program, f"http://127.0.0.1:{port}", "/Ada")
            assert (greeting.status, greeting.body) == (200, b"Hello, Ada!\n")
            assert ask_when_open(program, f"http://127.0.0.1:{port}", "/nobody").status == 500
        finally:
            end(program)
    (event,) = sentry.events
    assert outline(event) == "LookupError: there is nobody to greet"
    assert event["exception"]["values"][-1]["mechanism"]["handled"] is False
    assert event["tags"] == {"name": "nobody"}
    assert event["request"]["url"].endswith("/nobody")
    assert len((EXAMPLES / name).read_text(encoding="utf-8").splitlines()) < 30
