"""All that delivers, put together from a client's options."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncsentry.item import EVENT_LIMIT, Item
from asyncsentry.options import resolve
from asyncsentry.shipping import Shipping, _filled
from asyncsentry.testing import LocalSentry
from delivery.material import event
from delivery.programs import expected, messages, run

LONG = 15.0


@pytest.fixture
def ours(sentry: LocalSentry) -> Iterator[Shipping]:
    made = Shipping(resolve(sentry.dsn_for("urllib"), None, {"release": "shop@1"}, {}))
    yield made
    if made.dispatcher is not None:
        made.dispatcher.close(LONG)


def test_what_delivers_is_put_together_once(ours: Shipping, sentry: LocalSentry) -> None:
    assert ours.dispatcher is None
    dispatcher = ours.open()
    assert dispatcher is not None
    assert ours.open() is ours.dispatcher is dispatcher
    dispatcher.put(dispatcher.entry(event()))
    (request,) = sentry.requests
    assert request.headers["user-agent"].startswith("asyncsentry.python/")
    assert f"sentry_key={'a' * 32}" in request.headers["x-sentry-auth"]


def test_an_event_that_no_server_takes_arrives_smaller(ours: Shipping, sentry: LocalSentry) -> None:
    dispatcher = ours.open()
    assert dispatcher is not None
    id = "b" * 32
    large = {"event_id": id, "extra": {str(number): "a" * 1000 for number in range(2000)}}
    dispatcher.put(dispatcher.entry(Item("event", "error", large, 2_000_000, id)))
    assert dispatcher.flush(LONG)
    (request,) = sentry.requests
    assert len(request.body) < EVENT_LIMIT
    (arrived,) = sentry.events
    assert arrived["event_id"] == id


def test_a_capture_raises_nothing_when_no_file_can_be_opened(sentry: LocalSentry, tmp_path: Path) -> None:
    """Not even what delivers can be loaded then; the loss is told as soon as it can."""
    errors = run(
        tmp_path,
        sentry,
        """
import resource, socket
asyncsentry.init(shutdown_timeout=20)
allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (30, allowed[1]))
held = []
try:
    while True:
        held.append(socket.socket())
except OSError:
    assert asyncsentry.capture_exception() is None
assert not asyncsentry.get_client().losses
for each in held:
    each.close()
resource.setrlimit(resource.RLIMIT_NOFILE, allowed)
assert asyncsentry.capture_message("main 0")
assert sum(asyncsentry.get_client().losses.values()) == 1
""",
    )
    assert not errors
    assert messages(sentry) == expected(main=1)


def test_a_capture_while_the_interpreter_ends_raises_nothing(sentry: LocalSentry, tmp_path: Path) -> None:
    errors = run(
        tmp_path,
        sentry,
        """
class Last:
    def __del__(self):
        capture_message("last 0")
asyncsentry.init()
sys.last = Last()
""",
    )
    assert not errors


class Gap:
    """One that is filled when it was looked at so many times."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def find_out(self) -> None:
        raise AssertionError("another thread does that")

    def fill(self) -> bool:
        self.looks -= 1
        return self.looks <= 0


def test_the_spool_waits_a_moment_for_what_an_event_lacks() -> None:
    assert _filled([])
    assert _filled([Gap(1), Gap(2)])
    assert not _filled([Gap(1), Gap(10**9)])
