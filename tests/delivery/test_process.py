"""Signals, finalizers, forks and ends: each program is a process of its own, the server is real."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from asyncsentry.testing import Answer, LocalSentry

TRANSPORTS = ["auto", "asyncio", "threaded", "urllib"]

PRELUDE = """
import atexit, gc, os, signal, sys, threading, time
import asyncsentry
from asyncsentry import capture_message
"""


def run(folder: Path, sentry: LocalSentry, text: str, *, transport: str = "auto", measured: bool = True) -> str:
    """What the program writes on standard error, when it has ended; what it captures goes to the server.

    Not ``measured`` is what a tracer of coverage cannot stand: its own locks are left held by Ctrl-C, and by forks.
    """
    environment = {name: value for name, value in os.environ.items() if measured or not name.startswith("COVERAGE")}
    path = folder / "program.py"
    path.write_text(PRELUDE + text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", path],
        env={**environment, "SENTRY_DSN": sentry.dsn_for(transport), "SENTRY_RELEASE": "shop@1"},
        capture_output=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def messages(sentry: LocalSentry) -> Counter[str]:
    return Counter(str(event["logentry"]["formatted"]) for event in sentry.events)


def expected(**counts: int) -> Counter[str]:
    return Counter({name: 1 for prefix, count in counts.items() for name in (f"{prefix} {i}" for i in range(count))})


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_signal_handler_may_capture_in_the_middle_of_a_capture(
    tmp_path: Path, sentry: LocalSentry, transport: str
) -> None:
    run(
        tmp_path,
        sentry,
        """
count = 0
def handle(*_):
    global count
    if count < 100:
        count += 1
        capture_message(f"handler {count - 1}")
asyncsentry.init(queue_bytes=2**28, shutdown_timeout=30)
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for number in range(100):
    capture_message(f"main {number}")
while count < 100:
    time.sleep(0.001)
signal.setitimer(signal.ITIMER_REAL, 0)
""",
        transport=transport,
    )
    found = messages(sentry)
    assert set(found.values()) == {1}
    assert {name for name in found if name.startswith("main")} == set(expected(main=100))
    assert found.total() + lost(sentry) == 200  # in the middle of the making of another event none is made


def lost(sentry: LocalSentry) -> int:
    return sum(row["quantity"] for report in sentry.client_reports for row in report["discarded_events"])


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_finalizer_may_capture_in_the_middle_of_anything(tmp_path: Path, sentry: LocalSentry, transport: str) -> None:
    run(
        tmp_path,
        sentry,
        """
class Cycle:
    def __init__(self, number):
        self.number, self.itself = number, self
    def __del__(self):
        capture_message(f"finalizer {self.number}")
asyncsentry.init(queue_bytes=2**28, shutdown_timeout=30)
gc.set_threshold(7)
for number in range(50):
    Cycle(number)
    capture_message(f"main {number}")
gc.collect()
""",
        transport=transport,
    )
    found = messages(sentry)
    assert set(found.values()) == {1}
    assert found.total() + lost(sentry) == 100


def test_ctrl_c_at_any_moment_leaves_the_outbox_usable(tmp_path: Path, sentry: LocalSentry) -> None:
    run(
        tmp_path,
        sentry,
        """
from asyncsentry.delivery.losses import Losses
from asyncsentry.delivery.outbox import Outbox
from asyncsentry.item import Item
outbox = Outbox(Losses(), queue_bytes=2**28, max_in_flight=4, patience=10, wall=time.time)
interrupts, inside = 0, False
def interrupt(*_):
    global inside
    if inside:
        inside = False
        raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
while interrupts < 500:
    try:
        inside = True
        outbox.put(Item("event", "error", {}, 1, "a" * 32), 0.0)
        outbox.due(0.0)
        inside = False
    except KeyboardInterrupt:
        interrupts += 1
signal.setitimer(signal.ITIMER_REAL, 0)
def deliver():
    lease = outbox.next(0.0, 2)
    assert lease is not None
thread = threading.Thread(target=deliver)
thread.start()
thread.join()
assert outbox.in_flight(besides=1)
assert outbox._turnstile.ask(lambda: True, False)
""",
        measured=False,
    )


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


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_t24_a_forked_child_sends_its_own_events_and_not_the_parent_s(
    tmp_path: Path, sentry: LocalSentry, transport: str
) -> None:
    run(
        tmp_path,
        sentry,
        """
asyncsentry.init(shutdown_timeout=20)
capture_message("parent 0")
children = []
for number in range(3):
    child = os.fork()
    if not child:
        capture_message(f"child {number}")
        sys.exit()
    children.append(child)
capture_message("parent 1")
for child in children:
    assert os.waitpid(child, 0)[1] == 0
""",
        transport=transport,
    )
    assert messages(sentry) == expected(parent=2, child=3)


def test_forks_in_the_middle_of_anything_neither_hang_nor_duplicate(tmp_path: Path, sentry: LocalSentry) -> None:
    run(
        tmp_path,
        sentry,
        """
asyncsentry.init(queue_bytes=2**28, shutdown_timeout=30)
done = threading.Event()
def work(name):
    for number in range(50):
        capture_message(f"{name} {number}")
        time.sleep(0.002)
threads = [threading.Thread(target=work, args=(name,)) for name in ("first", "second")]
for thread in threads:
    thread.start()
children = []
for number in range(20):
    child = os.fork()
    if not child:
        capture_message(f"child {number}")
        os._exit(not asyncsentry.flush(20))
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
for thread in threads:
    thread.join()
""",
        transport="threaded",
        measured=False,
    )
    assert messages(sentry) == expected(first=50, second=50, child=20)


def test_a_fork_while_the_facts_are_being_found_out_is_held(tmp_path: Path, sentry: LocalSentry) -> None:
    """The thread that finds them out imports; a child would wait for an import that nobody goes on with."""
    run(
        tmp_path,
        sentry,
        """
(slow := open("slowly.py", "w")).write('''
import time
time.sleep(0.5)
''')
slow.close()
sys.path.insert(0, os.getcwd())
from asyncsentry import facts
facts.NEEDED += ("slowly",)
asyncsentry.init(shutdown_timeout=20)
capture_message("parent 0")
while "slowly" not in sys.modules:
    time.sleep(0.001)
child = os.fork()
if not child:
    capture_message("child 0")
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
""".replace("os.getcwd()", repr(str(tmp_path))).replace('"slowly.py"', repr(str(tmp_path / "slowly.py"))),
        transport="threaded",
    )
    assert messages(sentry) == expected(parent=1, child=1)


def test_a_fork_while_a_thread_imports_what_is_ours_is_held(tmp_path: Path, sentry: LocalSentry) -> None:
    """As the first capture does, and the first connection."""
    (tmp_path / "asyncsentry_slow.py").write_text("import time\ntime.sleep(0.5)\n", encoding="utf-8")
    (tmp_path / "asyncsentry_broken.py").write_text("import time\ntime.sleep(0.5)\n1 / 0", encoding="utf-8")
    run(
        tmp_path,
        sentry,
        """
from importlib import import_module
asyncsentry.init(shutdown_timeout=20)
def load(name):
    try:
        import_module(name)
    except ZeroDivisionError:
        pass
names = ["asyncsentry_slow", "asyncsentry_broken"]
threads = [threading.Thread(target=load, args=(name,)) for name in names]
for thread in threads:
    thread.start()
while not all(name in sys.modules for name in names):
    time.sleep(0.001)
child = os.fork()
if not child:
    for name in names:
        load(name)
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
for thread in threads:
    thread.join()
""",
    )


def test_a_fork_is_not_held_for_ever(tmp_path: Path, sentry: LocalSentry) -> None:
    run(
        tmp_path,
        sentry,
        """
from asyncsentry import process
asyncsentry.init(shutdown_timeout=20)
inside, go = threading.Event(), threading.Event()
def load():
    with process.loading:
        inside.set()
        go.wait()
thread = threading.Thread(target=load)
thread.start()
inside.wait()
child = os.fork()
if not child:
    capture_message("child 0")
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
go.set()
thread.join()
capture_message("parent 0")
""",
    )
    assert messages(sentry) == expected(parent=1, child=1)


def test_a_child_that_goes_on_with_the_parent_s_loop_sends_nothing_of_the_parent_s(
    tmp_path: Path, sentry: LocalSentry
) -> None:
    run(
        tmp_path,
        sentry,
        """
import asyncio
asyncsentry.init(shutdown_timeout=20)
async def main():
    capture_message("first 0")
    await asyncsentry.flush_async(20)
    capture_message("parent 0")  # its turn is armed on this loop
    loop = asyncio.get_running_loop()
    child = os.fork()
    if not child:
        loop.call_later(0.2, os._exit, 0)
        await loop.create_future()
    assert os.waitpid(child, 0)[1] == 0
asyncio.run(main())
""",
        transport="asyncio",
    )
    assert messages(sentry) == expected(first=1, parent=1)


def test_a_transport_that_was_handed_in_is_not_used_in_a_child(tmp_path: Path, sentry: LocalSentry) -> None:
    said = run(
        tmp_path,
        sentry,
        """
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.threaded import ThreadedTransport
class Mine(ThreadedTransport):
    home = os.getpid()
    def send(self, request, settle):
        assert os.getpid() == self.home
        super().send(request, settle)
asyncsentry.init(os.environ["SENTRY_DSN"].partition("+")[2], transport=Mine(Settings(URL)), shutdown_timeout=20)
capture_message("parent 0")
assert asyncsentry.flush(20)
child = os.fork()
if not child:
    capture_message("child 0")
    os._exit(not asyncsentry.flush(20))
assert os.waitpid(child, 0)[1] == 0
capture_message("parent 1")
""".replace("URL", repr(sentry.url)),
    )
    assert messages(sentry) == expected(parent=2, child=1)
    assert "a forked process cannot use the transport that was handed in" in said


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_deliver_before_they_end(tmp_path: Path, sentry: LocalSentry, method: str) -> None:
    run(
        tmp_path,
        sentry,
        f"""
import multiprocessing
def work(number):
    if not asyncsentry.get_client().active:
        asyncsentry.init(shutdown_timeout=20)
    capture_message(f"child {{number}}")
if __name__ == "__main__":
    asyncsentry.init(shutdown_timeout=20)
    capture_message("parent 0")
    context = multiprocessing.get_context({method!r})
    children = [context.Process(target=work, args=(number,)) for number in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    capture_message("parent 1")
""",
        transport="threaded",
    )
    assert messages(sentry) == expected(parent=2, child=2)


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
