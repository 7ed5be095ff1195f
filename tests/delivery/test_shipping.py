"""All that delivers, put together from a client's options."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from asyncsentry.delivery.envelope import EVENT_LIMIT
from asyncsentry.item import Item
from asyncsentry.options import resolve
from asyncsentry.shipping import Shipping
from asyncsentry.testing import LocalSentry
from delivery.material import event

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
    dispatcher.put(event())
    (request,) = sentry.requests
    assert request.headers["user-agent"].startswith("asyncsentry.python/")
    assert f"sentry_key={'a' * 32}" in request.headers["x-sentry-auth"]


def test_an_event_that_no_server_takes_arrives_smaller(ours: Shipping, sentry: LocalSentry) -> None:
    dispatcher = ours.open()
    assert dispatcher is not None
    id = "b" * 32
    large = {"event_id": id, "extra": {str(number): "a" * 1000 for number in range(2000)}}
    dispatcher.put(Item("event", "error", large, 2_000_000, id))
    assert dispatcher.flush(LONG)
    (request,) = sentry.requests
    assert len(request.body) < EVENT_LIMIT
    (arrived,) = sentry.events
    assert arrived["event_id"] == id
