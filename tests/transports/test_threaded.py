"""The threaded transport by itself: its one thread, from the first turn to the end of Python."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import Future

from asyncsentry.testing import Hang, LocalSentry
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.threaded import ThreadedTransport
from transports.style import PATIENCE, Traffic, done, event_request

SETTINGS = Settings("http://127.0.0.1:9/")


def test_there_is_one_thread_however_many_begin_at_once() -> None:
    transport = ThreadedTransport(SETTINGS)
    together = threading.Barrier(8)
    ran_in: list[threading.Thread] = []
    all_ran: Future[None] = Future()

    def turn() -> None:
        ran_in.append(threading.current_thread())
        if len(ran_in) == 8:
            all_ran.set_result(None)

    def begin() -> None:
        together.wait(PATIENCE)
        assert transport.later(0.0, turn)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert transport.close(all_ran, PATIENCE)
    (worker,) = set(ran_in)
    assert worker.daemon
    assert worker.name == "asyncsentry"
    worker.join(PATIENCE)
    assert not worker.is_alive()
    for thread in threads:
        thread.join()


def test_the_thread_may_close_its_own_transport() -> None:
    transport = ThreadedTransport(SETTINGS)
    closed: Future[bool] = Future()
    assert transport.later(0.0, lambda: closed.set_result(transport.close(done(), 0.0)))
    assert closed.result(PATIENCE)
    assert not transport.later(0.0, lambda: None)


def test_a_timer_does_not_keep_turns_waiting() -> None:
    transport = ThreadedTransport(SETTINGS)
    ran: Future[None] = Future()
    assert transport.later(10 * PATIENCE, lambda: None)
    assert transport.later(0.01, lambda: ran.set_result(None))
    assert transport.close(ran, PATIENCE)


def test_closing_does_not_wait_for_a_server_that_hangs(sentry: LocalSentry) -> None:
    sentry.always(Hang())
    transport = ThreadedTransport(Settings(sentry.url, timeout=10 * PATIENCE))
    traffic = Traffic(transport, [event_request(sentry)])
    assert transport.later(0.0, traffic.turn)
    sentry.wait_for(lambda: sentry.requests)
    assert not transport.close(traffic.settled, 0.01)
    assert len(traffic.outcomes) == 1
    sentry.wait_for(lambda: sentry.open_connections == 0)


AT_EXIT = """
import atexit, os, threading
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.threaded import ThreadedTransport

transport = ThreadedTransport(Settings("http://127.0.0.1:9/"))
ran = threading.Event()

class Last:
    def __del__(self, transport=ThreadedTransport(Settings("http://127.0.0.1:9/")), write=os.write):
        write(1, b"taken" if transport.later(0.0, ran.set) else b"refused")

last = Last()

@atexit.register
def late():
    taken = transport.later(0.0, ran.set)  # some Pythons start no thread any more here
    assert not taken or ran.wait(10)
"""


def test_where_python_starts_no_more_threads_there_is_nowhere_to_run() -> None:
    result = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    # Before Python 3.12 a thread may be begun that Python never runs: the queue's owner asks again, or sends itself.
    assert result.stdout == ("refused" if sys.version_info >= (3, 12) else "taken")


HANGING = """
import socket, threading
from asyncsentry.transport.protocol import Request
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.threaded import ThreadedTransport

listening = socket.create_server(("127.0.0.1", 0))
url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
transport = ThreadedTransport(Settings(url, timeout=1000))
transport.later(0.0, lambda: transport.send(Request(url, {}, b"{}"), print))
listening.accept()
"""


def test_a_program_that_ends_does_not_wait_for_the_thread() -> None:
    result = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
