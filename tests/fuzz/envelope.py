"""Whatever items, headers and attachments hold: what is written is read by the strictest of servers, and as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from asyncsentry.delivery.envelope import encode_envelope, format_time
from asyncsentry.delivery.spool import envelopes
from asyncsentry.item import Attachment, Category, Item
from asyncsentry.json import encode
from asyncsentry.scope import Scope
from asyncsentry.testing.envelopes import parse
from fuzz.feed import Feed

WORDS = (b"\n", b"\r\n", b"{}", b'"', b"\\", b"/", b"..", b"\0", b"\xff", b'{"type":"event"}\n', b"length", b"filename")

TYPES: Mapping[str, Category] = {
    "event": "error",
    "transaction": "transaction",
    "check_in": "monitor",
    "session": "session",
    "client_report": "internal",
}
ONCE = ("event", "transaction", "check_in")
"""Of these an envelope holds one."""


def target(data: bytes) -> None:
    feed = Feed(data)
    items: list[Item] = []
    types = [*TYPES]
    while feed and len(items) < 4 and types:
        type = feed.choose(types)
        types = [other for other in types if type not in ONCE or other not in ONCE]
        items.append(an_item(feed, type, len(items)))
    trace = {"public_key": feed.text(), "release": feed.text()} if feed.flag() else None
    headers = {"event_id": None, "sent_at": format_time(a_time(feed)), "sdk": {"name": feed.text()}, "trace": trace}
    read = parse(encode_envelope(headers, items))
    assert [item.type for item in read.items] == [
        type for item in items for type in (item.type, *("attachment" for _ in item.attachments))
    ]
    assert [item.json for item in read.items if item.type != "attachment"] == [said(item) for item in items]
    sent = [attachment for item in items for attachment in item.attachments]
    received = [item for item in read.items if item.type == "attachment"]
    assert [(each.payload, each.headers["filename"], each.headers["content_type"]) for each in received] == [
        (attachment.data, clean(attachment.filename), clean(attachment.content_type)) for attachment in sent
    ]
    for item in items:
        if item.id is not None:
            file(item, trace)


def an_item(feed: Feed, type: str, number: int) -> Item:
    payload: dict[str, Any] | bytes = {feed.text(): a_value(feed, 0) for _ in range(feed.below(4))}
    if feed.flag():
        payload = encode(payload)
    id = f"{number:032x}" if type in envelopes.CATEGORIES else None
    attachments = some_attachments(feed) if type == "event" else ()
    return Item(type, TYPES[type], payload, 1, id, attachments)


def some_attachments(feed: Feed) -> tuple[Attachment, ...]:
    """As an application adds them, and as nobody does."""
    scope = Scope()
    for _ in range(feed.below(3)):
        scope.add_attachment(feed.chunk(), filename=feed.text(), content_type=feed.text())
        assert "/" not in scope.attachments[-1].filename
    odd = tuple(Attachment(feed.chunk(), feed.text(), feed.text()) for _ in range(feed.below(2)))
    return scope.attachments + odd


def a_value(feed: Feed, depth: int) -> Any:
    """What JSON can hold, and any text."""
    kind = feed.below(7 if depth < 3 else 5)
    if kind == 0:
        return feed.choose((None, True, False))
    if kind == 1:
        return int.from_bytes(feed.take(feed.below(8)), "big", signed=True)
    if kind == 2:
        number = feed.real()
        return number if number - number == 0 else 0.5
    if kind < 5:
        return feed.text()
    if kind == 5:
        return [a_value(feed, depth + 1) for _ in range(feed.below(4))]
    return {feed.text(): a_value(feed, depth + 1) for _ in range(feed.below(4))}


def a_time(feed: Feed) -> float:
    """From the epoch to the year 2242."""
    return int.from_bytes(feed.take(6), "big") / 2**15


def clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def said(item: Item) -> object:
    """What a payload is when it has been written and read."""
    written = item.payload if isinstance(item.payload, bytes) else encode(item.payload)
    return json.loads(written)


def file(item: Item, trace: Mapping[str, str] | None) -> None:
    """As a file of the spool it is the same item."""
    dsn = "https://key@host/1"
    stored = envelopes.read(encode_envelope({"event_id": item.id, "dsn": dsn, "trace": trace}, [item]))
    assert (stored.dsn, stored.item.type, stored.item.category, stored.item.id) == (
        *(dsn, item.type, item.category),
        item.id,
    )
    assert isinstance(stored.item.payload, bytes)
    assert json.loads(stored.item.payload) == said(item)
    assert [attachment.data for attachment in stored.item.attachments] == [each.data for each in item.attachments]
