"""SIGTERM where Python would not notice it: just after a fork, and in the locks of ``multiprocessing``."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncsentry.testing import LocalSentry
from delivery.programs import expected, messages, run

METHODS = ["fork", "spawn", "forkserver"]

IN_CHILD = """
import multiprocessing, socket
def begin():
    if not asyncsentry.get_client().active:
        asyncsentry.init(shutdown_timeout=20, flush_on_sigterm=True)
def listener():
    there = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(there)
    return there
{work}
if __name__ == "__main__":
    begin()
    context = multiprocessing.get_context("{method}")
    lock = context.Lock()
    with lock:
        child = context.Process(target=work, args=(lock,))
        child.start()
        child.join()
    assert child.exitcode == {status}, child.exitcode
"""

DIRECTLY = """
import collections
from asyncsentry.hooks.repeating import AGAIN, Repeater
calls = collections.deque()
signal.signal(signal.SIGTERM, lambda *_: calls.append(time.monotonic()))
kills = []
send = signal.pthread_kill
signal.pthread_kill = lambda *arguments: (kills.append(arguments), send(*arguments))
def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
def descriptors():
    return len(os.listdir("/proc/self/fd"))
"""


def run_in_child(folder: Path, sentry: LocalSentry, work: str, *, method: str = "fork", status: int = 0) -> None:
    run(folder, sentry, IN_CHILD.format(work=work, method=method, status=status), transport="threaded")


WAKES_NOBODY = """
def tell():
    time.sleep(0.5)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(60)
def work(lock):
    begin()
    capture_message("child 0")
    threading.Thread(target=tell, daemon=True).start()
    lock.acquire()
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_signal_that_wakes_nobody_is_sent_again(tmp_path: Path, sentry: LocalSentry, method: str) -> None:
    run_in_child(tmp_path, sentry, WAKES_NOBODY, method=method, status=-15)
    assert messages(sentry) == expected(child=1)


def test_the_time_out_of_all_sockets_is_none_of_its(tmp_path: Path, sentry: LocalSentry) -> None:
    run_in_child(tmp_path, sentry, "socket.setdefaulttimeout(0.1)" + WAKES_NOBODY, status=-15)
    assert messages(sentry) == expected(child=1)


def test_a_signal_that_comes_before_the_child_has_begun_is_not_forgotten(tmp_path: Path, sentry: LocalSentry) -> None:
    run(
        tmp_path,
        sentry,
        """
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # the child begins when its parent waits
asyncsentry.init(flush_on_sigterm=True)
for _ in range(20):
    child = os.fork()
    if not child:
        time.sleep(20)
        os._exit(1)
    os.kill(child, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
""",
    )


def test_what_a_handler_raises_is_not_lost_in_a_fork(tmp_path: Path, sentry: LocalSentry) -> None:
    run(
        tmp_path,
        sentry,
        """
def tell():
    if os.getpid() == parent:
        os.kill(parent, signal.SIGTERM)
parent = os.getpid()
os.register_at_fork(before=tell)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
asyncsentry.init(shutdown_timeout=20, flush_on_sigterm=True)
if not os.fork():
    os._exit(0)
time.sleep(20)
os._exit(1)
""",
    )


def test_a_handler_that_forks_in_the_midst_of_a_fork_leaves_nothing_held(tmp_path: Path, sentry: LocalSentry) -> None:
    run(
        tmp_path,
        sentry,
        """
def fork_too():
    if not forked:
        forked.append(True)
        if not os.fork():
            os._exit(0)
forked = []
os.register_at_fork(before=fork_too)
asyncsentry.init(flush_on_sigterm=True)
child = os.fork()
if not child:
    os._exit(signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
assert os.waitpid(child, 0)[1] == 0
assert forked
assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
""",
    )


def test_a_signal_that_is_noticed_is_not_sent_again(tmp_path: Path, sentry: LocalSentry) -> None:
    work = """
def work(lock):
    calls = []
    asyncsentry.close()
    signal.signal(signal.SIGTERM, lambda *_: calls.append(1))
    begin()
    assert listener() != -1
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.3)
    assert calls == [1], calls
"""
    run_in_child(tmp_path, sentry, work)


def test_a_handler_that_was_set_later_is_called_once(tmp_path: Path, sentry: LocalSentry) -> None:
    work = """
def work(lock):
    calls = []
    signal.signal(signal.SIGTERM, lambda *_: calls.append(1))
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.3)
    assert calls == [1], calls
"""
    run_in_child(tmp_path, sentry, work)


def test_where_others_are_told_of_signals_they_stay_so(tmp_path: Path, sentry: LocalSentry) -> None:
    work = """
def work(lock):
    begin()
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    signal.set_wakeup_fd(mouth.fileno())
    asyncsentry.init(shutdown_timeout=20, flush_on_sigterm=True)
    assert listener() == mouth.fileno()
    asyncsentry.close()
    assert listener() == mouth.fileno()
    ear.close(), mouth.close()
"""
    run_in_child(tmp_path, sentry, work, method="spawn")


def test_where_threads_are_greenlets_nobody_is_told(tmp_path: Path, sentry: LocalSentry) -> None:
    work = """
def work(lock):
    import _thread
    asyncsentry.close()
    start = _thread.start_new_thread
    _thread.start_new_thread = lambda *arguments: start(*arguments)
    begin()
    assert listener() == -1
"""
    run_in_child(tmp_path, sentry, work)


def test_a_child_s_own_child_is_told_alone(tmp_path: Path, sentry: LocalSentry) -> None:
    work = """
def work(lock):
    child = os.fork()
    if not child:
        assert listener() == -1
        time.sleep(20)
        os._exit(1)
    os.kill(child, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    time.sleep(0.3)
    capture_message("child 0")
"""
    run_in_child(tmp_path, sentry, work)
    assert messages(sentry) == expected(child=1)


def test_closing_ends_it(tmp_path: Path, sentry: LocalSentry) -> None:
    work = """
def work(lock):
    assert listener() != -1
    asyncsentry.close()
    assert listener() == -1
    begin()
    assert listener() != -1
"""
    run_in_child(tmp_path, sentry, work)


def test_what_nobody_ever_notices_is_sent_again_a_few_times(tmp_path: Path, sentry: LocalSentry) -> None:
    run(
        tmp_path,
        sentry,
        DIRECTLY
        + """
before = descriptors()
repeater = Repeater(signal.SIGTERM, lambda: True)
assert repeater.begin()
repeater.noticed()
os.kill(os.getpid(), signal.SIGTERM)
until(lambda: len(kills) == AGAIN)
time.sleep(0.3)
assert (len(kills), bool(calls)) == (AGAIN, True)
repeater.noticed()
os.kill(os.getpid(), signal.SIGTERM)
until(lambda: len(kills) == 2 * AGAIN)
repeater.end()
until(lambda: descriptors() == before)
""",
    )


def test_where_it_cannot_begin_or_end_nothing_changes(tmp_path: Path, sentry: LocalSentry) -> None:
    run(
        tmp_path,
        sentry,
        DIRECTLY
        + """
def in_thread(work):
    done = []
    thread = threading.Thread(target=lambda: done.append(work()))
    thread.start()
    thread.join()
    return done[0]
def fail(*_):
    raise RuntimeError("can't start new thread")
before = descriptors()
assert not in_thread(lambda: Repeater(signal.SIGTERM, lambda: True).begin())
start, threading.Thread.start = threading.Thread.start, fail
assert not Repeater(signal.SIGTERM, lambda: True).begin()
threading.Thread.start = start
assert (signal.set_wakeup_fd(-1), descriptors()) == (-1, before)
repeater = Repeater(signal.SIGTERM, lambda: True)
assert repeater.begin()
in_thread(repeater.end)
os.kill(os.getpid(), signal.SIGTERM)
until(lambda: len(kills) == AGAIN)
repeater.end()
until(lambda: descriptors() == before)
""",
    )


def test_whoever_takes_its_place_ends_it_too(tmp_path: Path, sentry: LocalSentry) -> None:
    run(
        tmp_path,
        sentry,
        DIRECTLY
        + """
before = descriptors()
repeater = Repeater(signal.SIGTERM, lambda: True)
assert repeater.begin()
signal.set_wakeup_fd(-1)
repeater.end()
until(lambda: descriptors() == before)
""",
    )


def test_where_all_files_are_closed_it_is_quiet(tmp_path: Path, sentry: LocalSentry) -> None:
    run(
        tmp_path,
        sentry,
        DIRECTLY
        + """
said = []
threading.excepthook = said.append
repeater = Repeater(signal.SIGTERM, lambda: True)
assert repeater.begin()
(thread,) = (each for each in threading.enumerate() if each.name == "asyncsentry-signals")
signal.set_wakeup_fd(-1)
ear = repeater._ear
os.write(repeater._mouth.fileno(), b"x")
ear.detach()
thread.join(20)
assert not thread.is_alive() and not said
repeater._mouth.close()
""",
    )
