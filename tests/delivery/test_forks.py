"""Forks in the middle of anything, and what becomes of the children."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncsentry.testing import Answer, LocalSentry
from delivery.programs import TRANSPORTS, expected, messages, run


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


@pytest.mark.parametrize("transport", ["threaded", "auto"])
def test_a_fork_while_several_threads_send_leaves_each_process_its_own(
    tmp_path: Path, sentry: LocalSentry, transport: str
) -> None:
    sentry.always(Answer(delay=0.1))
    run(
        tmp_path,
        sentry,
        """
asyncsentry.init(shutdown_timeout=20)
for number in range(12):
    capture_message(f"parent {number}")
def senders():
    return sum(thread.name == "asyncsentry" for thread in threading.enumerate())
while senders() < 3:
    time.sleep(0.001)
child = os.fork()
if not child:
    assert senders() == 0
    for number in range(12):
        capture_message(f"child {number}")
    while senders() < 3:
        time.sleep(0.001)
    os._exit(not asyncsentry.flush(20))
assert os.waitpid(child, 0)[1] == 0
""",
        transport=transport,
    )
    assert messages(sentry) == expected(parent=12, child=12)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_thread_may_fork_while_others_capture(tmp_path: Path, sentry: LocalSentry, transport: str) -> None:
    run(
        tmp_path,
        sentry,
        """
asyncsentry.init(queue_bytes=2**28, shutdown_timeout=30)
def work(name):
    for number in range(50):
        capture_message(f"{name} {number}")
def fork():
    for number in range(5):
        child = os.fork()
        if not child:
            capture_message(f"child {number}")
            os._exit(not asyncsentry.flush(20))
        statuses.append(os.waitpid(child, 0)[1])
statuses = []
threads = [threading.Thread(target=work, args=("first",)), threading.Thread(target=fork)]
for thread in threads:
    thread.start()
work("second")
for thread in threads:
    thread.join()
assert statuses == [0] * 5
""",
        transport=transport,
        measured=False,
    )
    assert messages(sentry) == expected(first=50, second=50, child=5)


@pytest.mark.parametrize("transport", ["auto", "asyncio", "threaded"])
def test_a_child_of_a_running_loop_may_begin_a_loop_of_its_own(
    tmp_path: Path, sentry: LocalSentry, transport: str
) -> None:
    run(
        tmp_path,
        sentry,
        """
import asyncio
asyncsentry.init(shutdown_timeout=20)
async def life(number):
    capture_message(f"child {number}")
async def main():
    capture_message("parent 0")
    children = []
    for number in range(2):
        child = os.fork()
        if not child:
            asyncio.run(life(number))
            capture_message(f"late {number}")
            os._exit(not asyncsentry.flush(20))
        children.append(child)
        capture_message(f"parent {number + 1}")
    while children:
        assert os.waitpid(children.pop(), 0)[1] == 0
asyncio.run(main())
""",
        transport=transport,
    )
    assert messages(sentry) == expected(parent=3, child=2, late=2)


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
