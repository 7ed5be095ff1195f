"""Captures in signal handlers and finalizers, and Ctrl-C, in the middle of anything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from asyncsentry.delivery.book import Book
from asyncsentry.delivery.clerk import Clerk
from asyncsentry.delivery.dispatcher import Dispatcher
from asyncsentry.delivery.filing import Filing
from asyncsentry.delivery.ledger import Account
from asyncsentry.delivery.outbox import Outbox
from asyncsentry.delivery.queue import Queue
from asyncsentry.delivery.reports import Reports
from asyncsentry.delivery.turns import Turns
from asyncsentry.item import Attachment
from asyncsentry.testing import LocalSentry
from asyncsentry.transport.protocol import NoResponse, Response
from conftest import OpenClient
from delivery.cutting import called_at, cut_at, cut_where
from delivery.material import LOST, OK, REFUSED, Box, event, limits, session
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


def test_whatever_captures_at_any_moment_of_the_first_capture_of_a_thread(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    client = open_client(flood_limit=0, queue_bytes=2**28)

    def first_capture(number: int) -> bool:
        with called_at(number, lambda: client.capture_message(f"handler {number}")) as call:
            client.capture_message(f"first {number}")
        return call.came

    numbers = count()
    while True:
        number = next(numbers)
        with ThreadPoolExecutor(1) as thread:
            if not thread.submit(first_capture, number).result(20):
                break
    assert client.flush(20)
    found = messages(sentry)
    assert set(found.values()) == {1}
    assert {name for name in found if name.startswith("first")} == set(expected(first=number + 1))
    account = client.stats()["error"]
    assert account.lost == {"event_processor": account.captured - found.total()}  # in the midst of another event
    assert account.captured == 2 * number + 1


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
        outbox.put(outbox.entry(Item("event", "error", {}, 1, "a" * 32), 0.0))
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


@pytest.mark.parametrize(
    "function",
    [
        *(Dispatcher.put, Outbox.put, Clerk.put, Book.open, Filing.add, Queue.append, Turns.arm, Clerk.next),
        *(Queue.discard, Reports.take, Outbox.settle, Clerk.settle, Clerk._conclude, Book.deliver, Filing.settle),
    ],
    ids=lambda function: function.__qualname__,
)
def test_a_capture_that_ctrl_c_cuts_off_when_its_event_is_made_is_sent_all_the_same(
    open_client: OpenClient, sentry: LocalSentry, function: Callable[..., Any]
) -> None:
    client = open_client()
    client.capture_message("before")
    with cut_where(lambda frame, event: event == "call" and frame.f_code is function.__code__) as cut:
        client.capture_message("interrupted")
    assert cut.came
    client.capture_message("after")
    assert client.flush(20)
    assert client.stats()["error"] == Account(captured=3, delivered=3)
    assert set(messages(sentry)) == {"before", "interrupted", "after"}


@pytest.mark.parametrize(
    "outcome",
    [OK, Response(400, {}), Response(503, {}), limits("60:error:key", 429), LOST, REFUSED],
    ids=["taken", "refused", "failing", "limited", "lost", "not-sent"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # where a generator is thrown away
def test_wherever_ctrl_c_comes_everything_is_counted_once(outcome: Response | NoResponse) -> None:
    for number in count():
        box = Box()
        wanted = (event(1, attachments=(Attachment(b"abc", "a"),)), session(), event(2))
        entries = [box.outbox.entry(item, box.clock()) for item in wanted]
        with cut_at(number) as cut:
            for entry in entries:
                box.outbox.put(entry)
            box.settle(box.next(), outcome)
        for entry in entries:
            box.outbox.put_off(entry)  # as its capture does
        box.outbox.reclaim()
        box.clock.advance(100)
        while box.outbox.due(box.clock()) == 0:
            box.send(OK)
        accounts = box.outbox.accounts()
        assert {category: account.captured for category, account in accounts.items()} == {
            "error": 2,
            "session": 1,
            "attachment": 3,
        }
        for account in accounts.values():
            settled = account.delivered + account.limited + account.unknown + sum(account.lost.values())
            assert account.captured == settled, (number, accounts)
        if not cut.came:
            break


def test_what_another_thread_put_is_not_lost_with_the_step_that_ctrl_c_cuts_off() -> None:
    box = Box()

    def let_another_put() -> None:
        thread = threading.Thread(target=box.put, args=(event(1),))
        thread.start()
        thread.join()

    with cut_where(lambda frame, event: event == "call" and frame.f_code is Clerk.put.__code__) as cut:
        box.outbox._turnstile.do(let_another_put)
    assert cut.came
    assert box.outbox.accounts() == {"error": Account(captured=1, queued=1)}
