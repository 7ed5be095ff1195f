"""Captures in signal handlers and finalizers, and Ctrl-C, in the middle of anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncsentry.testing import LocalSentry
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
