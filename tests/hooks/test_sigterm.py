"""SIGTERM with ``flush_on_sigterm``, in real programs: what is left arrives, then comes what would have come."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from asyncsentry.testing import Answer, Hang, LocalSentry
from delivery.programs import PRELUDE, TRANSPORTS, expected, messages
from hooks.programs import run_program

TOLD = -signal.SIGTERM
"""How a program ends that does nothing about it."""

LONG = 20.0
"""Seconds that a program takes if it waits for what it must not wait for."""

BEGINNING = (
    PRELUDE
    + """
def tell():
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(100):  # Python looks for signals where a loop begins again
        pass
def init(**options):
    return asyncsentry.init(flush_on_sigterm=True, **options)
def delivered():
    return sum(account.delivered for account in asyncsentry.get_client().stats().values())
"""
)

Run = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def run(sentry: LocalSentry, tmp_path: Path) -> Run:
    """Run a program to its end; it tells itself to end, or another does."""

    def run(text: str, *, transport: str = "auto") -> CompletedProcess[str]:
        flags = ("-W", "error", "-W", "ignore:This process:DeprecationWarning")
        return run_program(BEGINNING + text, folder=tmp_path, dsn=sentry.dsn_for(transport), flags=flags)

    return run


def test_without_the_option_nothing_is_installed(run: Run) -> None:
    done = run("asyncsentry.init(); print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)")
    assert (done.stdout, done.stderr) == ("True\n", "")


# -- what was there before


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_by_default_the_program_ends_by_the_signal_when_all_is_delivered(
    sentry: LocalSentry, run: Run, transport: str
) -> None:
    sentry.always(Answer(delay=0.1))
    done = run(
        """
init(shutdown_timeout=20)
for number in range(3):
    capture_message(f"main {number}")
tell()
while True:
    time.sleep(1)
""",
        transport=transport,
    )
    assert (done.returncode, done.stderr) == (TOLD, "")
    assert messages(sentry) == expected(main=3)


def test_a_handler_is_called_as_it_would_have_been_when_all_is_delivered(sentry: LocalSentry, run: Run) -> None:
    done = run(
        """
def handle(number, frame):
    called.append((number, frame.f_globals is globals(), delivered()))
called = []
signal.signal(signal.SIGTERM, handle)
init(shutdown_timeout=20)
capture_message("main 0")
tell()
while not called:  # a busy interpreter may look for signals later
    for _ in range(1000):
        pass
capture_message("main 1")
print(called)
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[(15, True, 1)]\n", "")
    assert messages(sentry) == expected(main=2)


def test_a_handler_that_ends_the_program_ends_it(sentry: LocalSentry, run: Run) -> None:
    done = run(
        """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
init(shutdown_timeout=20)
atexit.register(capture_message, "end 0")
capture_message("main 0")
tell()
while True:
    time.sleep(1)
"""
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert messages(sentry) == expected(main=1, end=1)


def test_where_it_is_ignored_it_stays_ignored(sentry: LocalSentry, run: Run) -> None:
    done = run(
        """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
init()
assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
tell()
capture_message("main 0")
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert messages(sentry) == expected(main=1)


def test_a_handler_that_is_not_python_s_is_left_alone_and_said(sentry: LocalSentry, run: Run) -> None:
    done = run(
        """
import ctypes
count = 0
@ctypes.CFUNCTYPE(None, ctypes.c_int)
def theirs(_):
    global count
    count += 1
ctypes.CDLL(None).signal(signal.SIGTERM, theirs)
del sys.modules["signal"], sys.modules["_signal"]  # as where Python begins in a program that has set it before
import signal
init()
tell()
print(signal.getsignal(signal.SIGTERM), count)
"""
    )
    assert (done.returncode, done.stdout) == (0, "None 1\n")
    assert "SIGTERM has a handler that is not Python's" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_blocks_the_signal_blocks_it_after_the_delivery_too(sentry: LocalSentry, run: Run) -> None:
    """Python may call the handler in a thread that blocks what another has got."""
    done = run(
        """
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
init(shutdown_timeout=20)
capture_message("main 0")
signal.getsignal(signal.SIGTERM)(signal.SIGTERM, None)
print(signal.SIGTERM in signal.sigpending(), signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, delivered())
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True True 1\n", "")


# -- what the program does meanwhile


@pytest.mark.parametrize(
    ("transport", "told"),
    [
        ("auto", "loop.call_later(0.05, tell)"),
        ("asyncio", "threading.Timer(0.05, tell).start()"),
        ("threaded", "threading.Timer(0.05, tell).start()"),
    ],
)
def test_a_program_in_asyncio_s_loop_delivers(sentry: LocalSentry, run: Run, transport: str, told: str) -> None:
    """What is under way on the loop goes out again, under its id."""
    sentry.always(Answer(delay=0.1))
    done = run(
        f"""
import asyncio
async def main():
    loop = asyncio.get_running_loop()
    init(shutdown_timeout=20)
    for number in range(6):
        capture_message(f"main {{number}}")
    {told}
    await asyncio.sleep(60)
asyncio.run(main())
""",
        transport=transport,
    )
    assert (done.returncode, done.stderr) == (TOLD, "")
    assert set(messages(sentry)) == set(expected(main=6))


def test_a_loop_s_own_handler_is_called_once_if_it_was_set_before(sentry: LocalSentry, run: Run) -> None:
    done = run(
        """
import asyncio
async def main():
    told = asyncio.Event()
    def handle():
        print("told", delivered())
        told.set()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, handle)
    init(shutdown_timeout=20)
    capture_message("main 0")
    tell()
    await told.wait()
    await asyncio.sleep(0.05)
asyncio.run(main())
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "told 1\n", "")


def test_a_loop_s_own_handler_that_was_set_later_stands_alone(sentry: LocalSentry, run: Run) -> None:
    sentry.always(Answer(delay=0.3))
    done = run(
        """
import asyncio
async def main():
    init(shutdown_timeout=20)
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    capture_message("main 0")
    tell()
    await told.wait()
    print("told", delivered())
asyncio.run(main())
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "told 0\n", "")
    assert messages(sentry) == expected(main=1)


def test_a_program_that_waits_for_its_threads_delivers(sentry: LocalSentry, run: Run) -> None:
    done = run(
        """
init(shutdown_timeout=20)
def work(name):
    for number in range(20):
        capture_message(f"{name} {number}")
    if ready.wait() == 0:
        tell()
    time.sleep(60)
ready = threading.Barrier(2)
threads = [threading.Thread(target=work, args=(name,), daemon=True) for name in ("first", "second")]
for thread in threads:
    thread.start()
while True:
    threads[0].join(0.1)  # again and again: a signal that comes as Python begins to wait for a lock does not wake it
""",
        transport="threaded",
    )
    assert (done.returncode, done.stderr) == (TOLD, "")
    assert messages(sentry) == expected(first=20, second=20)


AMID = "asyncsentry.get_client()._shipping.dispatcher._outbox._turnstile.do"


def test_in_the_middle_of_the_outbox_it_is_put_off(sentry: LocalSentry, run: Run) -> None:
    done = run(
        f"""
signal.signal(signal.SIGTERM, lambda *_: sys.exit(f"told {{delivered()}}"))
init(shutdown_timeout=20)
capture_message("main 0")
{AMID}(tell)
while True:
    time.sleep(1)
"""
    )
    assert (done.returncode, done.stderr) == (1, "told 1\n")


def test_while_something_of_ours_is_imported_it_is_put_off(sentry: LocalSentry, run: Run, tmp_path: Path) -> None:
    (tmp_path / "asyncsentry_slow.py").write_text(
        "import __main__, time\n__main__.tell()\ntime.sleep(0.2)\n__main__.loaded = True\n", encoding="utf-8"
    )
    done = run(
        """
loaded, told = False, []
signal.signal(signal.SIGTERM, lambda *_: told.append((loaded, delivered())))
init(shutdown_timeout=20)
capture_message("main 0")
import asyncsentry_slow
while not told:
    time.sleep(0.01)
print(told)
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[(True, 1)]\n", "")


def test_what_another_thread_imports_is_not_waited_for(sentry: LocalSentry, run: Run, tmp_path: Path) -> None:
    (tmp_path / "asyncsentry_slow.py").write_text(
        "import __main__\n__main__.begun.set()\n__main__.done.wait(20)\n", encoding="utf-8"
    )
    done = run(
        """
begun, done, told = threading.Event(), threading.Event(), []
signal.signal(signal.SIGTERM, lambda *_: told.append((done.is_set(), delivered())))
init(shutdown_timeout=20)
capture_message("main 0")
threading.Thread(target=__import__, args=("asyncsentry_slow",)).start()
begun.wait(20)
tell()
print(told)
done.set()
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[(False, 1)]\n", "")


def test_what_was_put_off_comes_a_moment_later(run: Run) -> None:
    done = run(
        """
from asyncsentry.hooks import sigterm
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
began = time.monotonic()
sigterm.send_again(signal.SIGTERM)
while time.monotonic() - began < 20:
    pass
"""
    )
    assert (done.returncode, done.stderr) == (3, "")


@pytest.mark.parametrize(
    "never",
    [
        "from asyncsentry.hooks import sigterm; sigterm.MOMENTS = 3",
        "import _thread; _thread.stack_size(1 << 46)  # more than there is: no thread begins",
    ],
    ids=["too-often", "no-thread"],
)
def test_it_is_not_put_off_for_ever(sentry: LocalSentry, run: Run, never: str) -> None:
    done = run(
        f"""
signal.signal(signal.SIGTERM, lambda *_: os._exit(3))
init(shutdown_timeout=0.2)
capture_message("main 0")
assert asyncsentry.flush(20)
{never}
def step():
    tell()
    while True:
        time.sleep(0.001)
{AMID}(step)
""",
        transport="urllib",
    )
    assert done.returncode == 3


def test_where_somebody_else_starts_the_threads_and_nobody_may_wait_the_other_one_calls_the_handler(
    sentry: LocalSentry, run: Run
) -> None:
    """As in a hub of greenlets; here the outbox was interrupted."""
    sentry.always(Answer(delay=0.1))
    done = run(
        f"""
import _thread
_thread.start_new_thread = lambda function, arguments: threading.Thread(target=function, args=arguments).start()
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(delivered()))
init(shutdown_timeout=20)
capture_message("main 0")
{AMID}(tell)
while not told:
    time.sleep(0.01)
print(told)
""",
        transport="threaded",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[1]\n", "")


@pytest.mark.parametrize("handler", ["", "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))"])
def test_where_somebody_else_starts_the_threads_another_one_delivers(
    sentry: LocalSentry, run: Run, handler: str
) -> None:
    """As debuggers do, and libraries of greenlets."""
    sentry.always(Answer(delay=0.1))
    done = run(
        f"""
import _thread
_thread.start_new_thread = lambda function, arguments: threading.Thread(target=function, args=arguments).start()
{handler}
init(shutdown_timeout=20)
capture_message("main 0")
tell()
time.sleep(60)
""",
        transport="threaded",
    )
    assert (done.returncode, done.stderr) == (3 if handler else TOLD, "")
    assert messages(sentry) == expected(main=1)


# -- when it cannot be delivered


def test_a_server_that_hangs_is_not_waited_for_longer_than_the_end_may_take(sentry: LocalSentry, run: Run) -> None:
    sentry.always(Hang())
    done = run(
        """
init(shutdown_timeout=0.5)
capture_message("main 0")
print(time.monotonic(), flush=True)
tell()
while True:
    time.sleep(1)
"""
    )
    assert time.monotonic() - float(done.stdout) < LONG / 2
    assert done.returncode == TOLD
    assert done.stderr == "not all events could be delivered when SIGTERM came\n"


def test_a_second_signal_ends_the_program_at_once(sentry: LocalSentry, run: Run) -> None:
    sentry.always(Hang())
    done = run(
        """
init(shutdown_timeout=60, timeout=60)
capture_message("main 0")
threading.Timer(0.5, tell).start()
print(time.monotonic(), flush=True)
tell()
""",
        transport="threaded",
    )
    assert time.monotonic() - float(done.stdout) < LONG
    assert (done.returncode, done.stderr) == (TOLD, "")


def test_a_second_signal_ends_the_delivery_at_once_for_a_handler_that_ends_the_program_itself(
    sentry: LocalSentry, run: Run
) -> None:
    sentry.always(Hang())
    done = run(
        """
count = 0
def handle(*_):
    global count
    count += 1
    if count == 2:
        print(time.monotonic(), flush=True)
        sys.exit(3)
signal.signal(signal.SIGTERM, handle)
init(shutdown_timeout=60, timeout=60)
capture_message("main 0")
threading.Timer(0.5, tell).start()
tell()
while True:
    time.sleep(1)
""",
        transport="threaded",
    )
    assert time.monotonic() - float(done.stdout) < LONG
    assert done.returncode == 3
    assert done.stderr == "1 event(s) could not be delivered before the program ended\n"


def test_ctrl_c_ends_the_delivery_and_what_was_there_is_called_all_the_same(sentry: LocalSentry, run: Run) -> None:
    sentry.always(Hang())
    done = run(
        """
signal.signal(signal.SIGTERM, lambda *_: print("told", time.monotonic(), flush=True))
init(shutdown_timeout=60, timeout=60)
capture_message("main 0")
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    tell()
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
""",
        transport="threaded",
    )
    word, at, interrupted = done.stdout.split()
    assert (word, interrupted) == ("told", "interrupted")
    assert time.monotonic() - float(at) < LONG


def test_a_log_handler_that_fails_keeps_the_program_from_nothing(sentry: LocalSentry, run: Run) -> None:
    sentry.always(Answer(400))
    done = run(
        """
import logging
class Broken(logging.Handler):
    def emit(self, record):
        raise RuntimeError
signal.signal(signal.SIGTERM, lambda *_: os._exit(3))
init(shutdown_timeout=0.2)
capture_message("main 0")
logging.getLogger("asyncsentry").setLevel(logging.DEBUG)
logging.getLogger("asyncsentry").addHandler(Broken())
tell()
""",
        transport="asyncio",
    )
    assert done.returncode == 3


# -- set-up, and taking it off


def test_outside_the_main_thread_it_cannot_be_set_up_and_that_is_said(sentry: LocalSentry, run: Run) -> None:
    done = run(
        """
thread = threading.Thread(target=init)
thread.start()
thread.join()
assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
capture_message("main 0")
"""
    )
    assert done.stderr == (
        "flush_on_sigterm does nothing here: Python sets signal handlers in the main thread only. "
        "Call init() there, or call asyncsentry.flush() in a handler of your own\n"
    )
    assert messages(sentry) == expected(main=1)


def test_closing_puts_back_what_was_there(sentry: LocalSentry, run: Run) -> None:
    done = run(
        """
handle = lambda *_: None
signal.signal(signal.SIGTERM, handle)
init()
assert signal.getsignal(signal.SIGTERM) is not handle
init()
asyncsentry.close()
assert signal.getsignal(signal.SIGTERM) is handle
init()
asyncsentry.init()
assert signal.getsignal(signal.SIGTERM) is handle
"""
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_newer_client_takes_it_over_in_any_thread(sentry: LocalSentry, run: Run) -> None:
    done = run(
        """
init(shutdown_timeout=20)
capture_message("main 0")
thread = threading.Thread(target=init, kwargs={"shutdown_timeout": 20})
thread.start()
thread.join()
capture_message("main 1")
tell()
"""
    )
    assert (done.returncode, done.stderr) == (TOLD, "")
    assert messages(sentry) == expected(main=2)


def test_taken_off_in_another_thread_it_only_passes_on(sentry: LocalSentry, run: Run) -> None:
    done = run(
        """
init()
thread = threading.Thread(target=asyncsentry.close)
thread.start()
thread.join()
tell()
while True:
    time.sleep(1)
"""
    )
    assert (done.returncode, done.stderr) == (TOLD, "")


def test_whoever_came_later_keeps_ours_in_the_chain(sentry: LocalSentry, run: Run) -> None:
    done = run(
        """
signal.signal(signal.SIGTERM, lambda *_: print("first"))
init(shutdown_timeout=20)
ours = signal.getsignal(signal.SIGTERM)
def theirs(*args):
    print("theirs", delivered())
    ours(*args)
signal.signal(signal.SIGTERM, theirs)
capture_message("main 0")
asyncsentry.flush(20)
tell()
init()
asyncsentry.close()
assert signal.getsignal(signal.SIGTERM) is theirs
tell()
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "theirs 1\nfirst\ntheirs 0\nfirst\n"


# -- processes


def test_a_forked_child_that_is_told_to_end_delivers_its_own(sentry: LocalSentry, run: Run) -> None:
    sentry.always(Answer(delay=0.1))
    done = run(
        """
init(shutdown_timeout=20)
capture_message("parent 0")
child = os.fork()
if not child:
    capture_message("child 0")
    tell()
    while True:
        time.sleep(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
capture_message("parent 1")
""",
        transport="threaded",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert messages(sentry) == expected(parent=2, child=1)


def test_a_child_of_multiprocessing_that_is_terminated_delivers(sentry: LocalSentry, run: Run) -> None:
    sentry.always(Answer(delay=0.1))
    done = run(
        """
import multiprocessing
def work(ready):
    init(shutdown_timeout=20)
    capture_message("child 0")
    ready.set()
    time.sleep(60)
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    child = context.Process(target=work, args=(ready,))
    child.start()
    ready.wait()
    child.terminate()
    child.join()
    assert child.exitcode == -signal.SIGTERM
""",
        transport="threaded",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert messages(sentry) == expected(child=1)
