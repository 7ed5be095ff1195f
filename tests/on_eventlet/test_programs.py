"""Whole programs on eventlet: those that are common to greenlets, and eventlet's own choice of hubs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from asyncsentry.testing import LocalSentry
from delivery.programs import expected, messages
from docs.programs import OWN_SESSION, PLACEHOLDER, all_programs
from transports.green_programs import *  # noqa: F403  # the tests, and their fixtures
from transports.green_programs import Dialect

EVENTLET = Dialect(
    "eventlet",
    patch="import eventlet; eventlet.monkey_patch()\n",
    prelude="""
import eventlet, eventlet.patcher
sleep, spawn, join, kill = eventlet.sleep, eventlet.spawn, eventlet.greenthread.GreenThread.wait, eventlet.kill

def pool(function):
    from eventlet import tpool
    return eventlet.spawn(tpool.execute, function)

def thread(function):
    ended = []
    eventlet.patcher.original("_thread").start_new_thread(lambda: (function(), ended.append(True)), ())
    while not ended:
        sleep(0.001)

def end():
    pass

def fork():
    child = os.fork() == 0
    if child:
        eventlet.hubs.use_hub()  # the parent's is of no use here
    return child
""",
    ignored=("ignore:This process:DeprecationWarning", "ignore:Using fork:DeprecationWarning"),  # it is meant so
    environ={"EVENTLET_TESTS": "1"},  # or it would say, at each import, that it is deprecated
)


@pytest.fixture
def dialect() -> Dialect:
    return EVENTLET


@pytest.mark.parametrize("hub", ["epolls", "poll", "selects", "asyncio"])
def test_a_program_delivers_on_any_hub(tmp_path: Path, sentry: LocalSentry, prelude: str, hub: str) -> None:
    text = """
for number in range(3):
    join(spawn(lambda: capture_message(f"greenlet {number}")))
thread(lambda: capture_message("thread 0"))
print(client.wait(20))
capture_message("last 0")
"""
    dialect = replace(EVENTLET, environ={**EVENTLET.environ, "EVENTLET_HUB": hub})
    assert dialect.said_by(tmp_path, sentry, prelude + text) == "True\n"
    assert messages(sentry) == expected(greenlet=3, thread=1, last=1)


def test_the_program_of_the_page_sends_what_the_page_says(tmp_path: Path, sentry: LocalSentry) -> None:
    (program,) = [each for each in all_programs() if each.page in OWN_SESSION]
    text = program.code.replace(PLACEHOLDER, sentry.dsn)
    assert EVENTLET.said_by(tmp_path, sentry, text) == ""
    assert tuple(messages(sentry)) == program.sends
