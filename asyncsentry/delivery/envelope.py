"""The bytes on the wire: https://develop.sentry.dev/sdk/foundations/envelopes/

An envelope is a line of headers, then items; an item is a line of headers, then its payload and a newline. Every item
says its length in bytes, so a payload may hold anything.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Final

from asyncsentry.item import Attachment, Item

CONTENT_TYPE: Final = "application/x-sentry-envelope"

GZIP_LEVEL: Final = 1
"""The cheapest: level 6 takes twice the time on the event loop to save a tenth of the bytes."""

_GZIP_CONTAINER: Final = 31


def encode_item(item: Item) -> bytes:
    """An item, with its attachments behind it. `TypeError` or `ValueError` if its payload is no JSON."""
    from asyncsentry.json import encode

    payload = item.payload if isinstance(item.payload, bytes) else encode(item.payload)
    lines = [encode({"type": item.type, "content_type": "application/json", "length": len(payload)}), payload]
    for attachment in item.attachments:
        lines += encode(_attachment_header(attachment)), attachment.data
    return b"\n".join(lines) + b"\n"


def _attachment_header(attachment: Attachment) -> dict[str, object]:
    return {
        "type": "attachment",
        "filename": attachment.filename,
        "content_type": attachment.content_type,
        "length": len(attachment.data),
    }


def encode_envelope(headers: Mapping[str, object], items: Iterable[bytes]) -> bytes:
    """``headers`` and encoded items. A header whose value is None is left out."""
    from asyncsentry.json import encode

    head = encode({name: value for name, value in headers.items() if value is not None})
    return b"".join((head, b"\n", *items))


def compress(body: bytes) -> bytes:
    """One gzip member."""
    compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_CONTAINER)
    return compressor.compress(body) + compressor.flush()
