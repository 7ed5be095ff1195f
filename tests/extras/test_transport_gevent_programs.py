"""Whole programs on gevent: those that are common to greenlets, servers, and a worker of gunicorn."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from asyncsentry.testing import Answer, LocalSentry
from extras.serving import serving, status_of
from transports.green_programs import *  # noqa: F403  # the tests, and their fixtures
from transports.green_programs import BEGINNING, PATIENCE, Dialect

GEVENT = Dialect(
    "gevent",
    patch="from gevent import monkey; monkey.patch_all()\n",
    prelude="""
import gevent
from gevent import monkey
sleep, spawn, join, kill = gevent.sleep, gevent.spawn, gevent.Greenlet.get, gevent.kill

def pool(function):
    return gevent.spawn(gevent.get_hub().threadpool.apply, function)

def thread(function):
    ended = []
    monkey.get_original("_thread", "start_new_thread")(lambda: (function(), ended.append(True)), ())
    while not ended:
        sleep(0.001)

def end():
    gevent.get_hub().destroy()

def fork():
    return gevent.fork() == 0
""",
    ignored=("ignore:This process:DeprecationWarning", "ignore:Monkey-patching ssl"),  # it has threads; it is meant so
)


@pytest.fixture
def dialect() -> Dialect:
    return GEVENT


def serving_here(
    *arguments: str | Path, sentry: LocalSentry, folder: Path, says: str
) -> AbstractContextManager[tuple[str, list[str]]]:
    environment = GEVENT.environment(sentry, folder)
    return serving(GEVENT.command(*arguments), environment=environment, folder=folder, says=says)


APPLICATION = """
import asyncsentry

asyncsentry.init()
asyncsentry.capture_message("loaded")

def application(environ, start_response):
    if environ["PATH_INFO"] == "/crash":
        raise ZeroDivisionError
    if environ["PATH_INFO"] == "/last":
        asyncsentry.capture_message("the last")
    start_response("200 OK", [])
    return [b"hello"]
"""


@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["loaded-by-the-worker", "loaded-by-the-master"])
def test_a_gunicorn_worker_delivers(tmp_path: Path, sentry: LocalSentry, preload: list[str]) -> None:
    (tmp_path / "shop.py").write_text(APPLICATION, encoding="utf-8")
    gunicorn = ["-m", "gunicorn", "--worker-class", "gevent", "--bind", "127.0.0.1:0", *preload, "shop:application"]
    with serving_here(*gunicorn, sentry=sentry, folder=tmp_path, says=r"Listening at: (\S+)") as (url, _):
        assert status_of(f"{url}/") == 200
        assert status_of(f"{url}/crash") == 500
        sentry.wait_for(lambda: any("logger" in event for event in sentry.events), PATIENCE)
        sentry.always(Answer(delay=0.3))
        assert status_of(f"{url}/last") == 200
    found = Counter(event["logentry"]["formatted"] for event in sentry.events)
    assert found == {"loaded": 1, "Error handling request GET /crash": 1, "the last": 1}


IN_HUB = """
def tell():
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(100):
        pass

told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(client.stats()["error"].delivered))
asyncsentry.init(flush_on_sigterm=True, shutdown_timeout=20)
client = asyncsentry.get_client()
capture_message("main 0")
loop = gevent.get_hub().loop
loop.run_callback(tell)
"""


def test_told_in_the_hub_the_handler_is_called_when_all_is_delivered(tmp_path: Path, sentry: LocalSentry) -> None:
    text = IN_HUB + "while not told: sleep(0.01)\nprint(told)\n"
    assert GEVENT.said_by(tmp_path, sentry, GEVENT.patch + BEGINNING + GEVENT.prelude + text) == "[1]\n"


@pytest.mark.parametrize("pause", [0.0, 0.1], ids=["not-begun", "begun"])
def test_told_twice_in_the_hub_the_handler_is_called_at_once(tmp_path: Path, sentry: LocalSentry, pause: float) -> None:
    sentry.always(Answer(delay=0.4))
    text = (
        IN_HUB
        + """
sleep(PAUSE)
loop.run_callback(tell)
while not told:
    sleep(0.01)
print(client.wait(20))
sleep(0.1)
print(told)
"""
    )
    program = GEVENT.patch + BEGINNING + GEVENT.prelude + text.replace("PAUSE", str(pause))
    assert GEVENT.said_by(tmp_path, sentry, program) == "True\n[0]\n"


def test_where_no_thread_can_be_started_the_last_resort_looks_names_up_itself(
    tmp_path: Path, sentry: LocalSentry
) -> None:
    """As when Python 3.12 ends: gevent looks names up in threads."""
    text = """
import _thread
_thread.stack_size(1 << 46)  # more than there is: no thread begins
capture_message("at the end")
"""
    begin = "import asyncsentry\nfrom asyncsentry import capture_message\nasyncsentry.init()\n"
    assert GEVENT.said_by(tmp_path, sentry, GEVENT.patch + begin + text) == ""
    assert [event["logentry"]["formatted"] for event in sentry.events] == ["at the end"]
