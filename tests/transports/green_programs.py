"""Tests of whole programs on greenlets, for each library of them: patched and not, with threads, signals and forks.

A test module of a library's own imports them, and says as the fixture ``dialect`` how the programs speak there.
"""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from asyncsentry.testing import Answer, Hang, LocalSentry
from delivery.programs import expected, lost, messages

PATIENCE = 20.0


@dataclass(frozen=True)
class Dialect:
    """How programs speak with one library.

    ``prelude`` has ``sleep(seconds)``, ``spawn(function)``, ``join(greenlet)``, ``kill(greenlet)``, ``pool(function)``:
    a greenlet that waits for a thread of the library's own, ``thread(function)``: it waits for a thread that no patch
    makes a greenlet of, ``end()`` for its hub, and ``fork()``, which is true in the child.
    """

    word: str
    """The transport's."""
    patch: str
    prelude: str
    ignored: tuple[str, ...] = ()
    """Warnings that are no matter of ours."""
    environ: Mapping[str, str] = field(default_factory=dict)

    def command(self, *arguments: str | Path) -> list[str | Path]:
        ignored = [part for warning in self.ignored for part in ("-W", warning)]
        return [sys.executable, "-W", "error", *ignored, *arguments]

    def environment(self, sentry: LocalSentry, folder: Path) -> dict[str, str]:
        ours = {"SENTRY_DSN": sentry.dsn_for(self.word), "SENTRY_RELEASE": "shop@1", "HOME": str(folder)}
        return {**os.environ, **self.environ, **ours}

    def run(self, folder: Path, sentry: LocalSentry, text: str) -> subprocess.CompletedProcess[str]:
        """Run a program; what it captures goes to the server."""
        path = folder / "program.py"
        path.write_text(text, encoding="utf-8")
        environment = self.environment(sentry, folder)
        return subprocess.run(self.command(path), env=environment, capture_output=True, encoding="utf-8", timeout=50)

    def said_by(self, folder: Path, sentry: LocalSentry, text: str) -> str:
        """What a program prints that ends well."""
        done = self.run(folder, sentry, text)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


BEGINNING = """
import os, signal, sys, threading, time
import asyncsentry
from asyncsentry import capture_message
"""
INIT = """
asyncsentry.init()
client = asyncsentry.get_client()
"""


@pytest.fixture(params=["patched", "plain"])
def patch(request: pytest.FixtureRequest, dialect: Dialect) -> str:
    return dialect.patch if request.param == "patched" else ""


@pytest.fixture
def prelude(dialect: Dialect, patch: str) -> str:
    return patch + BEGINNING + dialect.prelude + INIT


# -- where captures come from, and how a program ends


def test_a_program_delivers_from_everywhere_and_what_it_captures_last(
    tmp_path: Path, sentry: LocalSentry, dialect: Dialect, prelude: str
) -> None:
    text = """
capture_message("early 0")
for greenlet in [spawn(lambda number=number: capture_message(f"greenlet {number}")) for number in range(3)]:
    join(greenlet)
join(pool(lambda: capture_message("pool 0")))
thread(lambda: capture_message("thread 0"))
signal.signal(signal.SIGALRM, lambda *_: capture_message("signal 0"))
signal.setitimer(signal.ITIMER_REAL, 0.01)
sleep(0.05)
print(client.wait(20))
join(spawn(lambda: capture_message("last 0")))
"""
    assert dialect.said_by(tmp_path, sentry, prelude + text) == "True\n"
    found = messages(sentry)
    if found["last 0"] > 1:  # it was under way when Python ended, as eventlet's pool has the hub run for a moment then
        found["last 0"] = 1
    assert found == expected(early=1, greenlet=3, pool=1, thread=1, signal=1, last=1)


def test_no_greenlet_waits_for_the_disk_that_the_source_is_on(
    tmp_path: Path, sentry: LocalSentry, dialect: Dialect, prelude: str
) -> None:
    text = """
reader, writer = os.pipe()
class Disk:
    def get_source(self, name):
        os.read(reader, 1)
        return source
source = "1 / 0"
def fail():
    try:
        exec(compile(source, "/no/such/file.py", "exec"), {"__name__": "slow", "__loader__": Disk()})
    except ZeroDivisionError as error:
        asyncsentry.capture_exception(error)
join(spawn(fail))
for _ in range(10):
    join(spawn(lambda: sleep(0.001)))
os.write(writer, b".")
"""
    assert dialect.said_by(tmp_path, sentry, prelude + text) == ""
    (event,) = sentry.events
    assert event["exception"]["values"][0]["stacktrace"]["frames"][-1]["context_line"] == "1 / 0"


def test_what_is_large_is_compressed_while_the_hub_goes_on_and_arrives(
    tmp_path: Path, sentry: LocalSentry, dialect: Dialect, prelude: str
) -> None:
    text = """
def capture(number):
    with asyncsentry.new_scope() as scope:
        scope.add_attachment(b"0123456789abcdef" * 2**17, filename="lines.txt")
        capture_message(f"large {number}")
for number in range(2):
    join(spawn(lambda: capture(number)))
print(client.wait(20))
capture(2)
"""
    assert dialect.said_by(tmp_path, sentry, prelude + text) == "True\n"
    assert messages(sentry) == expected(large=3)
    assert sum(len(request.body) > 2**21 > 2**17 > len(request.raw_body) for request in sentry.requests) == 3


def test_an_error_that_ends_the_program_is_sent_once(
    tmp_path: Path, sentry: LocalSentry, dialect: Dialect, prelude: str
) -> None:
    sentry.always(Answer(delay=0.3))
    assert dialect.run(tmp_path, sentry, prelude + "sleep(0)\n1 / 0").returncode == 1
    assert [event["exception"]["values"][-1]["type"] for event in sentry.events] == ["ZeroDivisionError"]


def test_the_first_capture_may_come_from_the_pool(
    tmp_path: Path, sentry: LocalSentry, dialect: Dialect, prelude: str
) -> None:
    """What is to be known before an event is sent is found out on a hub that runs."""
    text = """
join(pool(lambda: capture_message("pool 0")))
print(client.wait(20))
"""
    assert dialect.said_by(tmp_path, sentry, prelude + text) == "True\n"
    (event,) = sentry.events
    assert dialect.word in event["modules"]


def test_greenlets_threads_and_signals_capture_all_at_once(
    tmp_path: Path, sentry: LocalSentry, dialect: Dialect, prelude: str
) -> None:
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

sleep(0)  # a handler that came while the hub is made would have another made: what that sends is sent again
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.002)
in_threads = [pool(lambda name=name: many(name)) for name in ("a", "b", "c", "d")]
here = [spawn(lambda name=name: many(name)) for name in ("e", "f", "g", "h")]
for greenlet in (*here, *in_threads):
    join(greenlet)
signal.setitimer(signal.ITIMER_REAL, 0)
print(client.wait(30), count)
"""
    waited, count = dialect.said_by(tmp_path, sentry, prelude + text).split()
    assert waited == "True"
    found = messages(sentry)
    assert set(found.values()) == {1}
    others = Counter({name: 1 for name in found if not name.startswith("signal")})
    assert others == expected(a=50, b=50, c=50, d=50, e=50, f=50, g=50, h=50)
    assert found.total() + lost(sentry) == 400 + int(count)  # in the middle of the making of another event none is made


def test_a_thread_with_greenlets_of_its_own_delivers(
    tmp_path: Path, sentry: LocalSentry, dialect: Dialect, prelude: str
) -> None:
    text = """
def live(number):
    join(spawn(lambda: capture_message(f"greenlet {number}")))
    end()

for number in range(3):
    thread(lambda: live(number))
print(client.wait(20))
"""
    assert dialect.said_by(tmp_path, sentry, prelude + text) == "True\n"
    assert messages(sentry) == expected(greenlet=3)


def test_parent_and_child_each_deliver_their_own(
    tmp_path: Path, sentry: LocalSentry, dialect: Dialect, prelude: str
) -> None:
    """One of the parent's is under way at the fork: its answer is not read by the child's copy of the greenlet."""
    sentry.always(Answer(delay=0.3))
    text = """
capture_message("parent 0")
client.wait(20)
capture_message("parent 1")
sleep(0.1)
if fork():
    capture_message("child 0")
    os.write(1, b"child %r\\n" % client.wait(20))
    capture_message("child 1")
    sys.exit()
capture_message("parent 2")
os.write(1, b"parent %r\\n" % client.wait(20))
os.wait()
"""
    printed = dialect.said_by(tmp_path, sentry, prelude + text)
    assert sorted(printed.splitlines()) == ["child True", "parent True"]
    assert messages(sentry) == expected(parent=3, child=2)


# -- SIGTERM

HANDLERS = {
    "by-default": ("", -signal.SIGTERM),
    "ending": ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))", 3),
    "noting": ("signal.signal(signal.SIGTERM, lambda *_: told.append(True))", 0),
}
"""What there was to handle it, and how the program ends."""

TOLD = """
told = []
{handler}
asyncsentry.init(flush_on_sigterm=True, shutdown_timeout={seconds}, timeout=60)
capture_message("main 0")
print("ready", flush=True)
{waiting}
"""
ASLEEP = "while not told: sleep(0.01)"
BUSY = "while not told: pass"


def tell(dialect: Dialect, folder: Path, sentry: LocalSentry, text: str, *, times: int = 1) -> subprocess.Popen[str]:
    """A program that was sent SIGTERM when it was ready, and has ended."""
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    with subprocess.Popen(
        dialect.command(path),
        env=dialect.environment(sentry, folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for number in range(times):
            time.sleep(number * 0.5)
            process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    return process


@pytest.mark.parametrize(("handler", "waiting"), [("by-default", ASLEEP), ("ending", ASLEEP), ("noting", BUSY)])
def test_a_program_that_is_told_to_end_delivers_first(
    tmp_path: Path, sentry: LocalSentry, dialect: Dialect, prelude: str, handler: str, waiting: str
) -> None:
    sentry.always(Answer(delay=0.2))
    before, status = HANDLERS[handler]
    text = TOLD.format(handler=before, seconds=20, waiting=waiting)
    assert tell(dialect, tmp_path, sentry, prelude + text).returncode == status
    assert set(messages(sentry)) == {"main 0"}


@pytest.mark.parametrize("handler", ["ending", "noting"])
def test_told_twice_it_does_not_wait_for_a_server_that_hangs(
    tmp_path: Path, sentry: LocalSentry, dialect: Dialect, prelude: str, handler: str
) -> None:
    sentry.always(Hang())
    before, status = HANDLERS[handler]
    text = TOLD.format(handler=before, seconds=60, waiting=ASLEEP)
    assert tell(dialect, tmp_path, sentry, prelude + text, times=2).returncode == status


# -- what holds nothing up

BEATING = """
def beat():
    global beats
    while True:
        sleep(0.001)
        beats += 1

beats = 0
capture_message("first 0")
client.wait(20)
beating = spawn(beat)
for number in range(4):
    capture_message(f"slow {number}")
while beats < 20:
    sleep(0.001)
account = client.stats()["error"]
assert account.queued + account.in_flight, "nothing beat while the server took its time"
print(client.wait(20))
kill(beating)
"""


def test_a_slow_server_holds_no_greenlet_up(
    tmp_path: Path, sentry: LocalSentry, dialect: Dialect, prelude: str
) -> None:
    sentry.answer(Answer())
    sentry.always(Answer(delay=1.5))
    assert dialect.said_by(tmp_path, sentry, prelude + BEATING) == "True\n"
    assert messages(sentry) == expected(first=1, slow=4)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[LocalSentry]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with LocalSentry(ssl_context=context) as sentry:
        yield sentry


MADE = "context = ssl.create_default_context(cafile={ca!r})\n"
CONTEXTS = {
    "made-after-the-patch": ("{patch}import ssl\n" + MADE, "asyncsentry.init(ssl_context=context)"),
    "made-before-the-patch": ("import ssl\n" + MADE + "{patch}", "asyncsentry.init(ssl_context=context)"),
    "made-by-us-after-the-patch": ("{patch}", "asyncsentry.init(ca_certs={ca!r})"),
    "made-by-us-before-the-patch": ("import asyncsentry\nasyncsentry.init(ca_certs={ca!r})\n{patch}", ""),
    "not-verifying": ("import ssl\n{patch}", "asyncsentry.init(verify_ssl=False)"),
}
"""How a program may begin, and how the client is made then. Once `ssl` is patched, contexts of the standard library are
not to be changed any more: to set an attribute of theirs ends in a RecursionError."""


@pytest.mark.parametrize("context", CONTEXTS)
def test_tls_holds_no_greenlet_up_whoever_made_its_context(
    tmp_path: Path, authority: trustme.CA, secure: LocalSentry, dialect: Dialect, patch: str, context: str
) -> None:
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    secure.answer(Answer())
    secure.always(Answer(delay=1.5))
    first, init = (part.format(patch=patch, ca=str(ca)) for part in CONTEXTS[context])
    text = first + BEGINNING + dialect.prelude + INIT.replace("asyncsentry.init()", init) + BEATING
    assert dialect.said_by(tmp_path, secure, text) == "True\n"
    assert messages(secure) == expected(first=1, slow=4)


# -- with a spool


def test_the_disk_is_waited_for_by_a_thread_and_what_is_on_it_comes_back(
    tmp_path: Path, sentry: LocalSentry, dialect: Dialect, patch: str
) -> None:
    beginning = patch + BEGINNING + dialect.prelude
    text = f"""
asyncsentry.init(spool={str(tmp_path / "spool")!r}, shutdown_timeout=0.2)
client = asyncsentry.get_client()
for number in range(3):
    capture_message(f"{{sys.argv[0][-6:-3]}} {{number}}")
"""
    kept = """
dispatcher = client._shipping.dispatcher
while not dispatcher.spool._keeper.done:
    sleep(0.001)
os._exit(0)
"""
    rest = """
until = time.monotonic() + 20
while client.stats()["error"].delivered < 6 and time.monotonic() < until:
    sleep(0.01)
"""
    sentry.always(Hang())
    assert dialect.said_by(tmp_path, sentry, beginning + text + kept) == ""
    sentry.always(Answer())
    assert dialect.said_by(tmp_path, sentry, beginning + text + rest) == ""
    assert messages(sentry).keys() == expected(ram=3).keys()
    assert sum(messages(sentry).values()) == 6
    assert [path.name for path in (tmp_path / "spool").iterdir()] == []
