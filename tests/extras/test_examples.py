"""The programs in ``examples/`` that belong to no transport of a library's own: each crashes, and the crash arrives."""

from __future__ import annotations

from typing import Any

from asyncsentry.testing import LocalSentry
from extras.serving import PATIENCE, start_example


def errors(sentry: LocalSentry) -> list[tuple[str, str]]:
    """The type of each event's error, and by which mechanism it came."""
    values: list[dict[str, Any]] = [event["exception"]["values"][-1] for event in sentry.events]
    return sorted((value["type"], value["mechanism"]["type"]) for value in values)


def test_a_script_reports_its_threads_crashes_and_its_own(sentry: LocalSentry) -> None:
    with start_example("threaded_script.py", dsn=sentry.dsn) as program:
        output, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 1
    for line in ("5 letters, 0.20 of all in each", "6 letters, 0.17 of all in each"):
        assert line in output  # the threads may write at the same time
    assert errors(sentry) == [("ZeroDivisionError", "excepthook"), ("ZeroDivisionError", "threading")]
    assert [event["tags"] for event in sentry.events if "tags" in event] == [{"job": "letters"}]


def test_a_handler_on_lambda_has_sent_all_when_it_returns(sentry: LocalSentry) -> None:
    with start_example("lambda_handler.py", dsn=sentry.dsn, AWS_LAMBDA_FUNCTION_NAME="greet") as program:
        output, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 1
    assert output == "Hello, Ada!\n"
    assert errors(sentry) == [("KeyError", "generic")]
