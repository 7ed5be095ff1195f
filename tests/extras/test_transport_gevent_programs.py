"""Whole programs on gevent, patched and not: with threads, signals and forks, servers, and under gunicorn."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from asyncsentry.testing import Answer, LocalSentry
from delivery.programs import expected, lost, messages

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0

IGNORED = ("ignore:This process:DeprecationWarning", "ignore:Monkey-patching ssl")
"""That a process with threads forks is as intended, and so is what comes too early for a patch."""

PATCHED = "from gevent import monkey; monkey.patch_all()\n"
PRELUDE = """
import os, signal, sys, threading, time
import gevent, asyncsentry
from asyncsentry import capture_message

asyncsentry.init()
client = asyncsentry.get_client()
hub = gevent.get_hub()
"""


def command(*arguments: str | Path) -> list[str | Path]:
    ignored = [part for warning in IGNORED for part in ("-W", warning)]
    return [sys.executable, "-W", "error", *ignored, *arguments]


def environment(sentry: LocalSentry, folder: Path) -> dict[str, str]:
    return {**os.environ, "SENTRY_DSN": sentry.dsn_for("gevent"), "SENTRY_RELEASE": "shop@1", "HOME": str(folder)}


def run(folder: Path, sentry: LocalSentry, text: str) -> str:
    """What the program prints; what it captures goes to the server."""
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        command(path), env=environment(sentry, folder), capture_output=True, encoding="utf-8", timeout=50, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(params=["patched", "plain"])
def patch(request: pytest.FixtureRequest) -> str:
    return PATCHED if request.param == "patched" else ""


# -- where captures come from, and how a program ends


def test_a_program_delivers_from_everywhere_and_what_it_captures_last(
    tmp_path: Path, sentry: LocalSentry, patch: str
) -> None:
    text = """
capture_message("early 0")
gevent.joinall([gevent.spawn(capture_message, f"greenlet {number}") for number in range(3)])
hub.threadpool.apply(capture_message, ("pool 0",))
thread = threading.Thread(target=capture_message, args=("thread 0",))
thread.start()
thread.join()
signal.signal(signal.SIGALRM, lambda *_: capture_message("signal 0"))
signal.setitimer(signal.ITIMER_REAL, 0.01)
gevent.sleep(0.05)
print(client.wait(20))
gevent.joinall([gevent.spawn(capture_message, "last 0")])
"""
    assert run(tmp_path, sentry, patch + PRELUDE + text) == "True\n"
    assert messages(sentry) == expected(early=1, greenlet=3, pool=1, thread=1, signal=1, last=1)


def test_an_error_that_ends_the_program_is_sent_once(tmp_path: Path, sentry: LocalSentry, patch: str) -> None:
    sentry.always(Answer(delay=0.3))
    path = tmp_path / "program.py"
    path.write_text(patch + PRELUDE + "gevent.sleep(0)\n1 / 0\n", encoding="utf-8")
    done = subprocess.run(command(path), env=environment(sentry, tmp_path), capture_output=True, timeout=50)
    assert done.returncode == 1
    assert [event["exception"]["values"][-1]["type"] for event in sentry.events] == ["ZeroDivisionError"]


def test_the_first_capture_may_come_from_the_pool(tmp_path: Path, sentry: LocalSentry, patch: str) -> None:
    """What is to be known before an event is sent is found out on a hub that runs."""
    run(tmp_path, sentry, patch + PRELUDE + 'hub.threadpool.apply(capture_message, ("pool 0",))\nclient.wait(20)')
    (event,) = sentry.events
    assert "gevent" in event["modules"]


def test_greenlets_threads_and_signals_capture_all_at_once(tmp_path: Path, sentry: LocalSentry, patch: str) -> None:
    text = """
asyncsentry.init(queue_bytes=2**28, shutdown_timeout=30)
client, count = asyncsentry.get_client(), 0

def many(name):
    for number in range(50):
        capture_message(f"{name} {number}")

def handler(*_):
    global count
    count += 1
    capture_message(f"signal {count}")

signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.002)
threads = [hub.threadpool.spawn(many, name) for name in ("a", "b", "c", "d")]
gevent.joinall([gevent.spawn(many, name) for name in ("e", "f", "g", "h")])
for thread in threads:
    thread.get()
signal.setitimer(signal.ITIMER_REAL, 0)
print(client.wait(30), count)
"""
    waited, count = run(tmp_path, sentry, patch + PRELUDE + text).split()
    assert waited == "True"
    found = messages(sentry)
    assert set(found.values()) == {1}
    others = Counter({name: 1 for name in found if not name.startswith("signal")})
    assert others == expected(a=50, b=50, c=50, d=50, e=50, f=50, g=50, h=50)
    assert found.total() + lost(sentry) == 400 + int(count)  # in the middle of the making of another event none is made


def test_a_thread_with_greenlets_of_its_own_delivers(tmp_path: Path, sentry: LocalSentry, patch: str) -> None:
    text = """
from gevent import monkey

def live(number):
    gevent.joinall([gevent.spawn(capture_message, f"greenlet {number}")])
    ended.append(number)
    gevent.get_hub().destroy()

ended = []
for number in range(3):
    monkey.get_original("_thread", "start_new_thread")(live, (number,))
    while len(ended) <= number:
        gevent.sleep(0.001)
print(client.wait(20))
"""
    assert run(tmp_path, sentry, patch + PRELUDE + text) == "True\n"
    assert messages(sentry) == expected(greenlet=3)


# -- forks


def test_parent_and_child_each_deliver_their_own(tmp_path: Path, sentry: LocalSentry, patch: str) -> None:
    """One of the parent's is under way at the fork: its answer is not read by the child's copy of the greenlet."""
    sentry.always(Answer(delay=0.3))
    text = """
capture_message("parent 0")
client.wait(20)
capture_message("parent 1")
gevent.sleep(0.1)
child = gevent.fork() == 0
if child:
    capture_message("child 0")
    os.write(1, b"child %r\\n" % client.wait(20))
    capture_message("child 1")
    sys.exit()
capture_message("parent 2")
os.write(1, b"parent %r\\n" % client.wait(20))
os.wait()
"""
    printed = run(tmp_path, sentry, patch + PRELUDE + text)
    assert sorted(printed.splitlines()) == ["child True", "parent True"]
    assert messages(sentry) == expected(parent=3, child=2)


# -- what holds nothing up


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[LocalSentry]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with LocalSentry(ssl_context=context) as sentry:
        yield sentry


BEATING = """
def beat():
    global longest
    last = time.monotonic()
    while True:
        gevent.sleep(0.001)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()

longest = 0.0
capture_message("first 0")
client.wait(20)
beating = gevent.spawn(beat)
for number in range(4):
    capture_message(f"slow {number}")
print(client.wait(20))
beating.kill()
assert longest < 0.3, longest
"""


def test_a_slow_server_holds_no_greenlet_up(tmp_path: Path, sentry: LocalSentry, patch: str) -> None:
    sentry.answer(Answer())
    sentry.always(Answer(delay=0.6))
    assert run(tmp_path, sentry, patch + PRELUDE + BEATING) == "True\n"
    assert messages(sentry) == expected(first=1, slow=4)


MADE = "OPTIONS = dict(ssl_context=ssl.create_default_context(cafile={ca!r}))\n"
BEGINNINGS = {
    "made-after-the-patch": "{patch}import ssl\n" + MADE,
    "made-before-the-patch": "import ssl\n" + MADE + "{patch}",
    "made-by-us-after-the-patch": "{patch}OPTIONS = dict(ca_certs={ca!r})\n",
    "made-by-us-before-the-patch": "import asyncsentry\nasyncsentry.init(ca_certs={ca!r})\n{patch}OPTIONS = None\n",
    "not-verifying": "import ssl\n{patch}OPTIONS = dict(verify_ssl=False)\n",
}
"""How a program may come to its TLS context. Once `ssl` is patched, the standard library's own contexts are not to be
changed any more: to set an attribute of theirs ends in a RecursionError."""


@pytest.mark.parametrize("context", BEGINNINGS)
def test_tls_holds_no_greenlet_up_whoever_made_its_context(
    tmp_path: Path, authority: trustme.CA, secure: LocalSentry, patch: str, context: str
) -> None:
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    secure.answer(Answer())
    secure.always(Answer(delay=0.6))
    prelude = PRELUDE.replace("asyncsentry.init()", "OPTIONS is None or asyncsentry.init(**OPTIONS)")
    text = BEGINNINGS[context].format(patch=patch, ca=str(ca)) + prelude + BEATING
    assert run(tmp_path, secure, text) == "True\n"
    assert messages(secure) == expected(first=1, slow=4)


# -- servers


@contextmanager
def serving(*arguments: str | Path, sentry: LocalSentry, folder: Path, says: str) -> Iterator[str]:
    """A server until it is told to end; gives the part of its output that ``says`` where it listens."""
    with subprocess.Popen(
        command(*arguments),
        env=environment(sentry, folder),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield next(found[1] for line in process.stdout if (found := re.search(says, line)))
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE)


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_the_example_is_a_web_server_whose_crash_arrives(tmp_path: Path, sentry: LocalSentry) -> None:
    example = ROOT / "examples" / "gevent_wsgi.py"
    with serving(example, "0", sentry=sentry, folder=tmp_path, says=r"\('127\.0\.0\.1', (\d+)\)") as port:
        assert status_of(f"http://127.0.0.1:{port}/?name=you") == 200
        assert status_of(f"http://127.0.0.1:{port}/") == 500
        (event,) = sentry.wait_for_events(1, PATIENCE)
    assert event["exception"]["values"][-1]["type"] == "KeyError"


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
    with serving(*gunicorn, sentry=sentry, folder=tmp_path, says=r"Listening at: (\S+)") as url:
        assert status_of(f"{url}/") == 200
        assert status_of(f"{url}/crash") == 500
        sentry.wait_for(lambda: any("logger" in event for event in sentry.events), PATIENCE)
        sentry.always(Answer(delay=0.3))
        assert status_of(f"{url}/last") == 200
    found = Counter(event["logentry"]["formatted"] for event in sentry.events)
    assert found == {"loaded": 1, "Error handling request GET /crash": 1, "the last": 1}
