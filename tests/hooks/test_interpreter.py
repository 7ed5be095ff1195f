"""Errors that nobody caught, in real programs that end by them."""

from __future__ import annotations

from typing import Any

import pytest

from asyncsentry.testing import LocalSentry
from hooks.conftest import Run

INIT = "import asyncsentry; asyncsentry.init()\n"


def mechanism_of(event: dict[str, Any]) -> dict[str, Any]:
    """What captured the error that was raised last, and whether the program handled it."""
    mechanism: dict[str, Any] = event["exception"]["values"][-1]["mechanism"]
    return mechanism


def test_t28_a_crash_is_a_fatal_unhandled_event_and_ends_the_program_as_ever(sentry: LocalSentry, run: Run) -> None:
    program = run(INIT + "def lend(): return 1 / 0\nlend()\n")
    (event,) = sentry.events
    assert event["level"] == "fatal"
    assert mechanism_of(event) == {"type": "excepthook", "handled": False}
    assert event["exception"]["values"][-1]["type"] == "ZeroDivisionError"
    assert [frame["function"] for frame in event["exception"]["values"][-1]["stacktrace"]["frames"]] == [
        "<module>",
        "lend",
    ]
    assert program.returncode == 1
    assert program.stderr.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize("exit", ["raise KeyboardInterrupt", "raise SystemExit(3)", "import sys; sys.exit('bye')"])
def test_a_wish_to_end_the_program_is_no_error(sentry: LocalSentry, run: Run, exit: str) -> None:
    run(INIT + exit)
    assert sentry.events == ()


def test_a_mistake_at_the_interactive_prompt_is_no_crash(sentry: LocalSentry, run: Run) -> None:
    program = run(INIT, flags=("-i",), stdin="1 / 0\n")
    assert "ZeroDivisionError" in program.stderr
    assert sentry.events == ()


def test_the_hook_that_was_there_before_is_called_after_ours(sentry: LocalSentry, run: Run) -> None:
    program = run(
        "import sys; sys.excepthook = lambda kind, error, trace: print('theirs:', error)\n"
        + INIT
        + "raise ValueError('no')"
    )
    assert program.stdout == "theirs: no\n"
    assert len(sentry.events) == 1


def test_a_hook_that_came_later_keeps_ours_in_its_chain(sentry: LocalSentry, run: Run) -> None:
    program = run(
        INIT
        + """
import sys
ours = sys.excepthook
def theirs(*args):
    print("theirs")
    ours(*args)
sys.excepthook = theirs
raise ValueError("no")
"""
    )
    assert program.stdout == "theirs\n"
    assert len(sentry.events) == 1


def test_an_error_that_was_captured_before_it_ended_the_program_is_one_event(sentry: LocalSentry, run: Run) -> None:
    run(
        INIT
        + """
try:
    1 / 0
except ZeroDivisionError as error:
    asyncsentry.capture_exception(error)
    raise
"""
    )
    (event,) = sentry.events
    assert mechanism_of(event) == {"type": "generic", "handled": True}


def test_a_second_init_takes_the_hooks_over(sentry: LocalSentry, run: Run) -> None:
    run(
        """
import asyncsentry
asyncsentry.init(release="old@1")
asyncsentry.init(release="new@1")
1 / 0
"""
    )
    (event,) = sentry.events
    assert event["release"] == "new@1"


def test_a_finalizer_that_exits_on_purpose_is_no_error(sentry: LocalSentry, run: Run) -> None:
    run(
        INIT
        + """
import sys

class Resource:
    def __del__(self):
        sys.exit()

Resource()
"""
    )
    assert sentry.events == ()


def test_every_hook_can_be_left_out(sentry: LocalSentry, run: Run) -> None:
    run(
        """
import logging, sys, threading
import asyncsentry

def places():
    return sys.excepthook, threading.excepthook, sys.unraisablehook, logging.Logger.filter

before = places()
asyncsentry.init(
    install_sys_hook=False,
    install_threading_hook=False,
    install_unraisable_hook=False,
    install_asyncio_hook=False,
    install_logging_hook=False,
)
assert places() == before
assert logging.getLogger("asyncio").filters == []
raise ValueError("no")
"""
    )
    assert sentry.events == ()


def test_a_closed_sdk_leaves_the_interpreter_as_it_was(sentry: LocalSentry, run: Run) -> None:
    program = run(
        """
import logging, sys, threading
import asyncsentry

def places():
    return sys.excepthook, threading.excepthook, sys.unraisablehook, logging.Logger.filter

before = places()
asyncsentry.init()
assert all(now is not then for now, then in zip(places(), before))
asyncsentry.close()
assert places() == before
assert logging.getLogger("asyncio").filters == []
"""
    )
    assert program.stderr == ""


def test_an_error_that_ends_a_thread_is_unhandled(sentry: LocalSentry, run: Run) -> None:
    program = run(
        INIT
        + """
import threading
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
"""
    )
    (event,) = sentry.events
    assert mechanism_of(event) == {"type": "threading", "handled": False}
    assert "ZeroDivisionError" in program.stderr
    assert program.returncode == 0


def test_a_thread_that_exits_on_purpose_is_no_error(sentry: LocalSentry, run: Run) -> None:
    run(INIT + "import sys, threading; threading.Thread(target=sys.exit).start()")
    assert sentry.events == ()


def test_an_error_that_ends_a_thread_and_then_the_program_is_one_event(sentry: LocalSentry, run: Run) -> None:
    run(
        INIT
        + """
import threading
error = ValueError("twice")

def fail():
    raise error

thread = threading.Thread(target=fail)
thread.start()
thread.join()
raise error
"""
    )
    (event,) = sentry.events
    assert mechanism_of(event)["type"] == "threading"


def test_an_error_in_a_finalizer_is_unhandled(sentry: LocalSentry, run: Run) -> None:
    program = run(
        INIT
        + """
class Resource:
    def __del__(self):
        raise ValueError("cannot let go")

Resource()
print("alive")
"""
    )
    (event,) = sentry.events
    mechanism = mechanism_of(event)
    assert (mechanism["type"], mechanism["handled"]) == ("unraisable", False)
    assert event["exception"]["values"][-1]["value"] == "cannot let go"
    assert "cannot let go" in program.stderr
    assert program.stdout == "alive\n"
