"""Whatever a program holds when it fails: the capture does no harm, and its event is one that servers take whole."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import cache
from importlib.util import find_spec
from typing import Any

from asyncsentry.client import Client
from asyncsentry.testing.envelopes import parse
from asyncsentry.transport.protocol import Request, Response, Settle, Turn
from fuzz.feed import Feed
from fuzz.objects import NAMES, Maker

WORDS = (b"\xff\xfe\xed\xa0\x80", b"\0" * 8, b"\x7f\xf8\0\0\0\0\0\0", b"\x0f" * 8, b"\x17\x1f\x27\x2f", b"\x03" * 4)
"""Of little use here: most bytes choose what is made."""

OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"send_default_pii": True, "max_depth": 50, "max_breadth": 1000, "max_value_length": 100_000},
    {"max_depth": 1, "max_breadth": 1, "max_value_length": 16, "max_event_values": 100, "add_full_stack": True},
    {"max_event_bytes": 16 * 1024, "max_event_values": 20_000},
    {"before_send": lambda event, hint: event},
)

FAIL = compile("raise error", "<fuzz>", "exec")


class InPlace:
    """A transport to nowhere: the request is kept, and accepted."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def later(self, delay: float, turn: Turn, /) -> bool:
        if not delay:
            turn()
        return not delay

    def send(self, request: Request, settle: Settle, /) -> None:
        self.requests.append(request)
        settle(Response(200, {}))

    def wait(self, idle: Future[None], timeout: float, /) -> bool:
        return idle.done()

    def close(self, idle: Future[None], timeout: float, /) -> bool:
        return idle.done()


@cache
def client_with(number: int) -> tuple[Client[bool], InPlace]:
    transport = InPlace()
    common: dict[str, Any] = {"flood_limit": 0, "release": "1", "project_root": os.path.dirname(__file__)}
    return Client("http://key@127.0.0.1/1", transport=transport, **common, **OPTIONS[number]), transport


@cache
def judge() -> Callable[[Mapping[str, Any]], list[str]] | None:
    """Sentry's own normalizer, where it is installed: gives what it finds wrong in an event."""
    if not find_spec("sentry_relay"):
        return None
    from relay.judge import errors

    return errors


def target(data: bytes) -> None:
    feed = Feed(data)
    client, transport = client_with(feed.below(len(OPTIONS)))
    maker = Maker(feed)
    transport.requests.clear()
    with client.isolation_scope() as scope:
        if feed.flag():
            client.set_tags(maker.mapping())
            client.set_extra(feed.choose(NAMES), maker.top())
            client.set_context("state", maker.mapping())
            client.set_user(maker.mapping())
            scope.set_fingerprint([maker.top(), *maker.values()])
        for _ in range(feed.below(4)):
            fields = ("message", "category", "type", "level", "data", "timestamp")
            client.add_breadcrumb({feed.choose(fields): maker.top() for _ in fields})
        sent = capture(client, maker, feed)
    assert sent is not None, "it was lost"
    check(transport.requests, client.options.max_event_bytes)


def capture(client: Client[bool], maker: Maker, feed: Feed) -> str | None:
    """Capture an error, or a message with what belongs in it."""
    data: dict[str, Any] = {"extras": maker.mapping()} if feed.flag() else {}
    if feed.below(8) == 1:
        return client.report_message(maker.top(), maker.top(), level="info")
    error, variables = maker.error(), maker.mapping()
    try:
        exec(FAIL, {"error": error}, variables)
    except BaseException as raised:
        return client.capture_exception(raised, **data)
    return "nothing was raised"


def check(requests: list[Request], limit: int) -> None:
    (request,) = requests
    envelope = parse(gzip.decompress(request.body))
    (item,) = envelope.items
    assert item.json is not None
    assert len(item.payload) <= limit
    judged = judge()
    assert judged is None or judged(item.json) == []
