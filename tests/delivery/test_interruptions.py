"""Captures in signal handlers and finalizers, and Ctrl-C, in the middle of anything."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from asyncsentry.delivery.book import Book
from asyncsentry.delivery.filing import Filing
from asyncsentry.delivery.outbox import Outbox
from asyncsentry.delivery.queue import Queue
from asyncsentry.delivery.reports import Reports
from asyncsentry.delivery.turns import Turns
from asyncsentry.delivery.window import Window
from asyncsentry.testing import Answer, LocalSentry
from conftest import OpenClient
from delivery.programs import TRANSPORTS, expected, lost, messages, run


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


@contextmanager
def ctrl_c_in(function: Callable[..., Any]) -> Iterator[None]:
    """Ctrl-C that comes where this function begins, for the first time."""

    def look(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is function.__code__:
            raise KeyboardInterrupt

    sys.setprofile(look)
    try:
        yield
    except KeyboardInterrupt:
        return
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize(
    "function",
    [
        *(Outbox._put, Book.open, Book._enter, Filing.add, Queue.append, Turns.arm),
        *(Outbox._next, Queue.pop, Reports.take, Outbox.settle, Outbox._settle, Outbox._conclude, Window.fail),
        *(Book.deliver, Book.drop, Filing.settle, Book._close),
    ],
    ids=lambda function: function if isinstance(function, int) else function.__qualname__,
)
def test_what_ctrl_c_cuts_off_is_sent_and_counted_all_the_same(
    open_client: OpenClient, sentry: LocalSentry, function: Callable[..., Any], status: int
) -> None:
    client = open_client()
    client.capture_message("before")
    sentry.answer(Answer(status))
    with ctrl_c_in(function):
        client.capture_message("interrupted")
        client.flush(20)
    client.capture_message("after")
    assert client.flush(20)
    account = client.stats()["error"]
    assert account.captured == 3 == account.delivered + sum(account.lost.values())
    assert {name.split()[0] for name in messages(sentry)} >= {"before", "after"}
    assert len(messages(sentry)) == account.delivered
