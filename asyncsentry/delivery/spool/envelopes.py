"""An item as a file, and back: a plain envelope, https://develop.sentry.dev/sdk/foundations/envelopes/

It says where it goes, so that anybody can send it later; it does not say when, as that is told when it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from asyncsentry.delivery.envelope import encode_envelope
from asyncsentry.item import Attachment, Category, Item

CATEGORIES: Final[Mapping[str, Category]] = {"event": "error", "transaction": "transaction", "check_in": "monitor"}
"""The types of items that carry an id, and what they count as."""

OWN_WEIGHT: Final = 2048
"""About what an item that was read weighs beside its bytes."""


_ID: Final = re.compile("[0-9a-f]{32}")


class NotAnEnvelope(ValueError):
    """What is in a file is none, or none of ours."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a file held. ``dsn`` has no secret key; it is empty if the file names none."""

    item: Item
    dsn: str


def write(item: Item, dsn: str) -> bytes:
    """The file of an item that carries an id. `TypeError` or `ValueError` if its payload is no JSON."""
    return encode_envelope({"event_id": item.id, "dsn": dsn, "trace": item.trace}, [item])


def read(data: bytes) -> Stored:
    """What a file holds. Raises `NotAnEnvelope`, also for what a server would take and throw away."""
    try:
        return _read(data)
    except NotAnEnvelope:
        raise
    except ValueError as error:
        raise NotAnEnvelope(str(error)) from error


def _read(data: bytes) -> Stored:
    from asyncsentry.strict_json import decode_object

    head, position = _header(data, 0)
    items: list[tuple[dict[str, Any], bytes]] = []
    while position < len(data):
        header, position = _header(data, position)
        end = position + _length(header)
        if data[end : end + 1] != b"\n":
            raise NotAnEnvelope("an item is cut off")
        items.append((header, data[position:end]))
        position = end + 1
    if not items:
        raise NotAnEnvelope("it has no item")
    (lead, payload), *others = items
    type, id = lead.get("type"), head.get("event_id")
    if not isinstance(type, str) or type not in CATEGORIES or not isinstance(id, str) or not _ID.fullmatch(id):
        raise NotAnEnvelope("it is of another kind")
    decode_object(payload)
    attachments = tuple(_attachment(header, data) for header, data in others)
    trace = head.get("trace")
    weight = len(data) + OWN_WEIGHT
    return Stored(
        Item(type, CATEGORIES[type], payload, weight, id, attachments, trace if isinstance(trace, dict) else None),
        str(head.get("dsn") or ""),
    )


def _header(data: bytes, start: int) -> tuple[dict[str, Any], int]:
    """The line of headers that begins at ``start``, and where the next thing begins."""
    from asyncsentry.strict_json import decode_header

    end = data.find(b"\n", start)
    if end < 0:
        raise NotAnEnvelope("a line of headers is missing")
    return decode_header(data[start:end]), end + 1


def _length(header: Mapping[str, Any]) -> int:
    length = header.get("length")
    if type(length) is not int or length < 0:
        raise NotAnEnvelope("an item does not say how long it is")
    return length


def _attachment(header: Mapping[str, Any], data: bytes) -> Attachment:
    if header.get("type") != "attachment":
        raise NotAnEnvelope("it holds more than one item")
    return Attachment(data, str(header.get("filename")), str(header.get("content_type")))
