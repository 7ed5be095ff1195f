"""The bytes on the wire: https://develop.sentry.dev/sdk/foundations/envelopes/

An envelope is a line of headers, then items; an item is a line of headers, then its payload and a newline. Every item
says its length in bytes, so a payload may hold anything.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Final
from zlib import compress, decompress

from asyncsentry.delivery.compression import Compression
from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.losses import report
from asyncsentry.item import EVENT_LIMIT, Attachment, Item, Squeezed, Stepwise
from asyncsentry.transport.protocol import Request

CONTENT_TYPE: Final = "application/x-sentry-envelope"

OWN_WEIGHT: Final = 640
"""About what an item takes in memory beside its payload and its attachments, in bytes, with what `malloc` adds."""

AT_ONCE: Final = 128 * 1024
"""Bytes of a body that is compressed on the spot: a longer one would hold an event loop for some milliseconds."""

logger = logging.getLogger("asyncsentry")


def encode_item(item: Item) -> list[bytes]:
    """An item, with its attachments behind it, in pieces. `TypeError` or `ValueError` if its payload is no JSON."""
    from asyncsentry.json import encode

    payload = item.payload if isinstance(item.payload, bytes) else encode(item.payload)
    header = encode({"type": item.type, "content_type": "application/json", "length": len(payload)})
    pieces = [header, b"\n", payload, b"\n"]
    for attachment in item.attachments:
        pieces += encode(_attachment_header(attachment)), b"\n", attachment.data, b"\n"
    return pieces


def _attachment_header(attachment: Attachment) -> dict[str, object]:
    return {
        "type": "attachment",
        "filename": attachment.filename,
        "content_type": attachment.content_type,
        "length": len(attachment.data),
    }


def encode_envelope(headers: Mapping[str, object], items: Iterable[Item]) -> bytes:
    """``headers`` and items. A header whose value is None is left out."""
    return b"".join(_pieces(headers, items))


def _pieces(headers: Mapping[str, object], items: Iterable[Item]) -> list[bytes]:
    from asyncsentry.json import encode

    head = encode({name: value for name, value in headers.items() if value is not None})
    return [head, b"\n", *chain.from_iterable(map(encode_item, items))]


class Parcel:
    """A request whose body is yet to be put together and compressed: at once, or by a thread if it is ``large``."""

    def __init__(self, url: str, headers: Mapping[str, str], pieces: list[bytes], compression: Compression) -> None:
        self._url = url
        self._headers = headers
        self._pieces = pieces
        self._compression = compression
        self._compressed: bytes | None = None
        self.large = sum(map(len, pieces)) > AT_ONCE

    @property
    def ready(self) -> bool:
        """Whether it is compressed, as far as it can be."""
        return not self.large or self._compressed is not None

    def compress(self) -> None:
        """Put the body together and compress it, unless it was taken. If it cannot be, it will be taken as it is."""
        pieces = self._pieces
        if pieces:
            try:
                self._compressed = self._compression.compress(b"".join(pieces))
            except Exception:
                logger.debug("a body could not be compressed", exc_info=True)

    def take(self) -> Request:
        """The request as it is by now, once: nothing of it is kept, whoever may still hold this to compress it."""
        pieces, self._pieces = self._pieces, []
        compressed = self._compressed
        if compressed is None:
            return Request(self._url, self._headers, b"".join(pieces))
        headers = {**self._headers, "Content-Encoding": self._compression.encoding}
        return Request(self._url, headers, compressed)


class Packer:
    """Makes the request that carries a lease. An item is encoded once, the envelope's headers at each send.

    ``late_fields`` are fields of an event that may not have been known when it was made. ``shrink`` gives what makes an
    event small enough that is of more than ``event_limit`` bytes. Without ``compression`` bodies are sent as they are.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        sdk: Mapping[str, object],
        late_fields: Callable[[], Mapping[str, object]],
        shrink: Callable[[Mapping[str, object]], Stepwise],
        compression: Compression | None,
        wall: Callable[[], float] = time.time,
        event_limit: int = EVENT_LIMIT,
    ) -> None:
        self._url = url
        self._headers = {**headers, "Content-Type": CONTENT_TYPE}
        self._sdk = sdk
        self._late_fields = late_fields
        self._shrink = shrink
        self._compression = compression
        self._wall = wall
        self._event_limit = event_limit

    def __call__(self, lease: Lease) -> Request | Parcel:
        """The request, perhaps yet to be compressed. `TypeError` or `ValueError` if a payload is no JSON."""
        for entry in lease.entries:
            entry.item = self.finish(entry.item)
        items = [entry.item for entry in lease.entries]
        lead = items[0] if items else None
        if lease.losses:
            items.append(Item("client_report", "internal", report(lease.losses, self._wall()), 0))
        headers = {
            "event_id": lead and lead.id,
            "sent_at": format_time(self._wall()),
            "sdk": self._sdk,
            "trace": lead and lead.trace,
        }
        return self._request(_pieces(headers, items))

    def finish(self, item: Item) -> Item:
        """The item as it is sent, and sent again: its payload is bytes, and what they were made from can go."""
        from asyncsentry.json import encode

        if isinstance(item.payload, Squeezed):
            return item._replace(payload=decompress(item.payload.data))
        item = self.encode(item)
        return item._replace(payload=encode(item.payload())) if callable(item.payload) else item

    def encode(self, item: Item) -> Item:
        """The same, but for an event that is too large: that is yet to be shrunk, in many steps."""
        from asyncsentry.json import encode

        if isinstance(item.payload, bytes | Squeezed):
            return item
        payload = self._told(item, item.payload)
        encoded = encode(payload)
        small = item.type != "event" or len(encoded) <= self._event_limit
        return item._replace(payload=encoded if small else self._shrink(payload), gaps=(), late=())

    def complete(self, item: Item) -> Item:
        """The item as plain data, with all that is known by now and without secrets: a step on the way to `finish`."""
        if isinstance(item.payload, bytes | Squeezed):
            return item
        if isinstance(item.payload, Mapping) and not item.gaps and not item.late:
            return item
        return item._replace(payload=self._told(item, item.payload), gaps=(), late=())

    def _told(
        self, item: Item, given: Mapping[str, object] | Callable[[], Mapping[str, object]]
    ) -> Mapping[str, object]:
        for gap in item.gaps:
            gap.fill()
        late = {name: value for name, value in self._late_fields().items() if name in item.late} if item.late else {}
        return {**late, **(given() if callable(given) else given)}

    def squeeze(self, item: Item) -> Item:
        """The item while it has to wait, in a tenth of the room; a large one is only encoded, as that takes long."""
        item = self.encode(item)
        payload = item.payload
        if not isinstance(payload, bytes) or len(payload) > AT_ONCE:
            return item
        squeezed = compress(payload, 1)
        weight = len(squeezed) + OWN_WEIGHT + sum(len(attachment.data) for attachment in item.attachments)
        return item._replace(payload=Squeezed(squeezed), weight=weight)

    def _request(self, pieces: list[bytes]) -> Request | Parcel:
        if self._compression is None:
            return Request(self._url, self._headers, b"".join(pieces))
        return Parcel(self._url, self._headers, pieces, self._compression)


def format_time(seconds: float) -> str:
    """Unix seconds as RFC 3339 in UTC: a server refuses an envelope whose ``sent_at`` has no offset."""
    microseconds = int(seconds % 1 * 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{microseconds:06d}Z"
