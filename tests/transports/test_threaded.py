"""The threaded transport by itself: its threads, from the first turn to the end of Python."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial, partialmethod
from itertools import count
from traceback import walk_stack

import pytest

from asyncsentry.testing import Answer, Hang, LocalSentry
from asyncsentry.transport.protocol import Cancelled, NoResponse, Response
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.threaded import ThreadedTransport
from delivery.cutting import cut_at
from transports.style import PATIENCE, Threads, Traffic, done, event_request

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


class Sends:
    """Turns that send one request each; who settles them, and how."""

    def __init__(self, transport: ThreadedTransport, sentry: LocalSentry) -> None:
        self.outcomes: list[Response | NoResponse] = []
        self.threads: list[int] = []
        self.settled = threading.Semaphore(0)
        self._transport = transport
        self._sentry = sentry

    def ask(self) -> None:
        assert self._transport.later(0.0, self._turn)

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.settled.acquire(timeout=PATIENCE)

    def _turn(self) -> None:
        self._transport.send(event_request(self._sentry), self._settle)

    def _settle(self, outcome: Response | NoResponse) -> None:
        self.outcomes.append(outcome)
        self.threads.append(threading.get_ident())
        self.settled.release()


def test_what_is_sent_one_after_the_other_is_sent_by_one_thread(sentry: LocalSentry, threads: Threads) -> None:
    transport = ThreadedTransport(Settings(sentry.url))
    sends = Sends(transport, sentry)
    for _ in range(50):
        sends.ask()
        sends.wait_for(1)
    assert len(set(sends.threads)) == 1
    assert len(threads()) == 1
    assert sentry.connections == 1
    transport.close(done(), 0.0)


def test_a_turn_that_comes_while_others_hang_is_sent_at_once_but_by_no_more_threads_than_may(
    sentry: LocalSentry,
    threads: Threads,
) -> None:
    sentry.always(Hang())
    transport = ThreadedTransport(Settings(sentry.url, timeout=10 * PATIENCE, max_in_flight=3))
    sends = Sends(transport, sentry)
    for number in range(3):
        assert len(threads()) == number
        sends.ask()
        sentry.wait_for(lambda number=number: len(sentry.requests) == number + 1)  # type: ignore[misc]
    for _ in range(10):
        sends.ask()
    with pytest.raises(TimeoutError):
        sentry.wait_for(lambda: len(sentry.requests) > 3, 0.1)
    assert len(threads()) == 3
    assert not transport.close(Future(), 0.0)
    assert threads() == []
    assert len(sends.outcomes) == 3
    for outcome in sends.outcomes:
        assert isinstance(outcome, NoResponse)
        assert isinstance(outcome.error, Cancelled)
        assert outcome.sent
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_what_waits_leaves_no_slower_than_so_many_threads_can_send_it(sentry: LocalSentry) -> None:
    sentry.always(Answer(delay=0.5))
    transport = ThreadedTransport(Settings(sentry.url, max_in_flight=4))
    traffic = Traffic(transport, [event_request(sentry)] * 8, eager=True)
    assert transport.later(0.0, traffic.turn)
    assert transport.close(traffic.settled, PATIENCE)
    assert all(isinstance(outcome, Response) for outcome in traffic.outcomes)
    assert sentry.connections == 4


def test_a_thread_that_was_of_use_is_called_before_another_is_started_and_ends_if_nobody_calls(
    sentry: LocalSentry,
    threads: Threads,
) -> None:
    transport = ThreadedTransport(Settings(sentry.url))
    sends = Sends(transport, sentry)
    for _ in range(2):  # the one that is late finds that the other waits for turns, and waits to be called
        sentry.answer(Answer(delay=1.0), Answer(delay=0.5))
        for _ in range(2):
            sends.ask()
        sends.wait_for(2)
    assert len(set(sends.threads)) == 2
    assert sentry.connections == 2
    assert len(threads()) == 2
    sentry.wait_for(lambda: sentry.open_connections == 1, PATIENCE)
    while len(threads()) > 1:  # it has hung up, and has a few steps left to do
        time.sleep(0.01)
    sends.ask()
    sends.wait_for(1)
    assert sentry.connections == 2
    transport.close(done(), 0.0)


@pytest.mark.parametrize("asked_before", [True, False])
def test_a_turn_comes_when_it_is_due_though_all_threads_send(sentry: LocalSentry, *, asked_before: bool) -> None:
    sentry.always(Hang())
    transport = ThreadedTransport(Settings(sentry.url, timeout=10 * PATIENCE))
    ran: Future[None] = Future()
    if asked_before:
        assert transport.later(0.2, lambda: ran.set_result(None))
    Sends(transport, sentry).ask()
    sentry.wait_for(lambda: sentry.requests)
    if not asked_before:
        assert transport.later(0.01, lambda: ran.set_result(None))
    ran.result(PATIENCE)
    transport.close(done(), 0.0)


def test_a_thread_that_only_kept_watch_ends_and_not_the_one_with_the_connection(
    sentry: LocalSentry,
    threads: Threads,
) -> None:
    sentry.always(Answer(delay=0.3))
    transport = ThreadedTransport(Settings(sentry.url))
    sends = Sends(transport, sentry)
    assert transport.later(2.0, lambda: None)
    for _ in range(3):
        sends.ask()
        sends.wait_for(1)
    assert len(set(sends.threads)) == 1
    assert sentry.connections == 1
    while len(threads()) > 1:
        time.sleep(0.01)
    transport.close(done(), 0.0)


def test_wherever_ctrl_c_comes_the_next_turn_runs() -> None:
    for number in count():
        transport = ThreadedTransport(SETTINGS)
        with cut_at(number) as cut:
            transport.later(0.0, lambda: None)
        ran: Future[None] = Future()
        assert transport.later(0.0, partial(ran.set_result, None))
        assert transport.close(ran, PATIENCE)
        if not cut.came:
            break


def test_threads_that_ask_all_at_once_have_everything_sent(sentry: LocalSentry, threads: Threads) -> None:
    transport = ThreadedTransport(Settings(sentry.url, max_in_flight=4))
    sends = Sends(transport, sentry)

    def ask() -> None:
        for _ in range(50):
            sends.ask()

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    sends.wait_for(200)
    for asker in askers:
        asker.join()
    assert len(sentry.requests) == 200
    assert len(threads()) <= 4
    transport.close(done(), 0.0)
    assert threads() == []
    assert len(sends.outcomes) == 200


def test_a_thread_may_close_the_transport_while_another_sends(sentry: LocalSentry, threads: Threads) -> None:
    sentry.always(Hang())
    transport = ThreadedTransport(Settings(sentry.url, timeout=10 * PATIENCE))
    sends = Sends(transport, sentry)
    closed: Future[bool] = Future()
    sends.ask()
    sentry.wait_for(lambda: sentry.requests)
    assert transport.later(0.0, lambda: closed.set_result(transport.close(done(), 0.0)))
    assert closed.result(PATIENCE)
    sends.wait_for(1)
    assert len(sends.outcomes) == 1
    for thread in threads():
        thread.join(PATIENCE)
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_the_thread_may_close_its_own_transport() -> None:
    transport = ThreadedTransport(SETTINGS)
    closed: Future[bool] = Future()
    assert transport.later(0.0, lambda: closed.set_result(transport.close(done(), 0.0)))
    assert closed.result(PATIENCE)
    assert not transport.later(0.0, lambda: None)


def test_closing_waits_for_whoever_started_a_thread_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def start_and_go_on(thread: threading.Thread, start: Callable[[threading.Thread], None]) -> None:
        start(thread)
        time.sleep(0.2)

    monkeypatch.setattr(threading.Thread, "start", partialmethod(start_and_go_on, threading.Thread.start))
    transport = ThreadedTransport(SETTINGS)
    ran: Future[None] = Future()
    assert transport.later(0.0, lambda: ran.set_result(None))
    assert transport.close(ran, PATIENCE)
    running = {each.f_code for frame in sys._current_frames().values() for each, _ in walk_stack(frame)}
    assert start_and_go_on.__code__ not in running


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


WITHOUT_MORE = """
import atexit, sys, threading
from asyncsentry.transport.protocol import Request
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.threaded import ThreadedTransport

url, when = sys.argv[1:]
transport = ThreadedTransport(Settings(url))
settled = threading.Semaphore(0)
request = Request(url, {}, b"{}")

def ask():
    return transport.later(0.0, lambda: transport.send(request, lambda outcome: settled.release()))

def ask_for_more():
    if when == "limit":
        threading.stack_size(2**46)  # no thread can be started from here on
    print([ask() for _ in range(4)])
    print([settled.acquire(timeout=20) for _ in range(5)])
    print(len([thread for thread in threading.enumerate() if thread.name == "asyncsentry"]))

begun = threading.Event()
transport.later(0.0, begun.set)
begun.wait(20)
ask()
if when == "exit":
    atexit.register(ask_for_more)
else:
    ask_for_more()
"""


@pytest.mark.parametrize("when", ["limit", "exit"])
def test_where_no_thread_can_be_started_any_more_the_one_that_is_there_sends(sentry: LocalSentry, when: str) -> None:
    sentry.always(Answer(delay=0.1))
    command = [sys.executable, "-c", WITHOUT_MORE, sentry.url, when]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    taken, settled, threads = result.stdout.splitlines()
    assert taken == str([True] * 4)
    assert settled == str([True] * 5)
    assert threads == "1" or when == "exit"  # some Pythons start threads there too
    assert len(sentry.requests) == 5


UNSTARTABLE = """
import threading
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.threaded import ThreadedTransport

transport = ThreadedTransport(Settings("http://127.0.0.1:9/"))
ran = threading.Event()
usual = threading.stack_size(2**46)
print(transport.later(0.0, ran.set), transport.later(1.0, ran.set))
threading.stack_size(usual)
print(transport.later(0.0, ran.set), ran.wait(20))
"""


def test_where_not_even_one_can_be_started_there_is_nowhere_to_run_until_it_can() -> None:
    result = subprocess.run([sys.executable, "-c", UNSTARTABLE], capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    assert result.stdout.splitlines() == ["False False", "True True"]


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
