"""Threads that fork, and programs with several interpreters."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from asyncsentry.testing import LocalSentry
from delivery.programs import messages, run

RESTLESS = "import sys\nsys.setswitchinterval(1e-6)\n"


@pytest.mark.parametrize("transport", ["auto", "urllib"])
def test_several_threads_fork_while_others_capture(tmp_path: Path, sentry: LocalSentry, transport: str) -> None:
    said = run(
        tmp_path,
        sentry,
        """
asyncsentry.init(flood_limit=0, shutdown_timeout=30)
def work(name):
    for number in range(20):
        capture_message(name)
def fork():
    for number in range(4):
        child = os.fork()
        if not child:
            capture_message("child")
            os._exit(not asyncsentry.flush(20))
        statuses.append(os.waitpid(child, 0)[1])
statuses = []
threads = [threading.Thread(target=fork) for _ in range(2)]
threads += [threading.Thread(target=work, args=("parent",)) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert statuses == [0] * 8, statuses
""",
        transport=transport,
        measured=False,
        first=RESTLESS,
    )
    assert said == ""
    assert messages(sentry) == Counter(parent=40, child=8)


def test_clients_come_and_go_while_a_thread_forks(tmp_path: Path, sentry: LocalSentry) -> None:
    said = run(
        tmp_path,
        sentry,
        """
from asyncsentry import process
class Resident:
    told = 0
    def at_exit(self):
        pass
    def before_fork(self):
        self.told += 1
    after_fork = at_exit
def come_and_go():
    while not done:
        kept = [Resident() for _ in range(50)]
        for each in kept:
            process.settle(each)
        for each in kept[:10]:
            process.unsettle(each)
done = []
stay = [Resident() for _ in range(200)]
for each in stay:
    process.settle(each)
threads = [threading.Thread(target=come_and_go) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(20):
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
done.append(True)
for thread in threads:
    thread.join()
assert {each.told for each in stay} == {20}
""",
        measured=False,
        first=RESTLESS,
    )
    assert said == ""


def test_a_fork_that_did_not_wait_for_another_one_leaves_nothing_held(tmp_path: Path, sentry: LocalSentry) -> None:
    said = run(
        tmp_path,
        sentry,
        """
from asyncsentry import process
class Slow:
    def at_exit(self):
        pass
    def before_fork(self):
        if threading.current_thread() is slow:
            begun.set()
            in_vain.wait()
        else:
            in_vain.set()
            slow.join()
    after_fork = at_exit
def fork():
    child = os.fork()
    if not child:
        os._exit(0)
    statuses.append(os.waitpid(child, 0)[1])
begun, in_vain, statuses = threading.Event(), threading.Event(), []
slow = threading.Thread(target=fork)
resident = Slow()
process.settle(resident)
slow.start()
begun.wait()
fork()  # it waits for the other, but not for ever
assert statuses == [0, 0]
assert process.loading.acquire(timeout=5)
""",
        measured=False,
    )
    assert said == ""


def test_each_interpreter_of_a_process_has_a_client_of_its_own(tmp_path: Path, sentry: LocalSentry) -> None:
    run(
        tmp_path,
        sentry,
        """
try:
    import _interpreters
except ModuleNotFoundError:  # before Python 3.13
    import _xxsubinterpreters as _interpreters
program = '''
import asyncsentry
asyncsentry.init()
asyncsentry.capture_message("inner")
asyncsentry.close()
'''
asyncsentry.init()
for _ in range(2):
    interpreter = _interpreters.create()
    failed = getattr(_interpreters, "exec", None) or _interpreters.run_string
    assert failed(interpreter, program) is None
    _interpreters.destroy(interpreter)
capture_message("outer")
""",
        transport="urllib",
        measured=False,
    )
    assert messages(sentry) == Counter(inner=2, outer=1)
