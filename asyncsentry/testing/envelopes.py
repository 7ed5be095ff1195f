"""Envelopes, read as strictly as a server may read them.

The grammar, the item types and their limits are those of Sentry's documentation
(https://develop.sentry.dev/sdk/foundations/envelopes/), and of Relay where it is stricter. In two places this reader
is stricter than both, so that a sender's mistake is seen: white space around a header is refused, and so is an item
whose JSON is broken or whose ``item_count`` is wrong. Relay answers 200 to those, and throws them away later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from asyncsentry.strict_json import decode_object
from asyncsentry.testing.headers import envelope_headers, is_container, item_headers
from asyncsentry.testing.limits import check_limits
from asyncsentry.testing.refusals import MalformedEnvelope

MAX_ITEMS: Final = 500

CONTAINER_TYPES: Final = frozenset({"log", "trace_metric"})
"""The item types that are always containers; a span may be one."""

JSON_TYPES: Final = CONTAINER_TYPES | {
    *("event", "transaction", "feedback", "user_report", "replay_event"),
    *("session", "sessions", "client_report", "check_in"),
    *("span", "profile", "profile_chunk"),
}
"""The item types whose payload is one JSON object. Others are kept as bytes, unknown ones too."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an envelope. ``json`` is its payload decoded, if its type is one of ``JSON_TYPES``."""

    headers: dict[str, Any]
    payload: bytes = field(repr=False)
    json: dict[str, Any] | None = None

    @property
    def type(self) -> str:
        return str(self.headers["type"])


@dataclass(frozen=True, slots=True)
class Envelope:
    """What one request carries."""

    headers: dict[str, Any]
    items: tuple[Item, ...]

    def payloads(self, type: str) -> tuple[dict[str, Any], ...]:
        """The decoded payloads of the items of this type."""
        return tuple(item.json for item in self.items if item.type == type and item.json is not None)


def parse(body: bytes) -> Envelope:
    """The envelope in the decompressed body of a request, or `MalformedEnvelope`."""
    if not body:
        raise MalformedEnvelope(400, "empty request body")
    line, position = _line(body, 0)
    headers = envelope_headers(line)
    items: list[Item] = []
    while position < len(body):
        if len(items) == MAX_ITEMS:
            raise MalformedEnvelope(400, "too many individual items")
        item, position = _item(body, position)
        items.append(item)
    check_limits((_kind(item), len(item.payload)) for item in items)
    return Envelope(headers, tuple(items))


def _line(body: bytes, start: int) -> tuple[bytes, int]:
    """The line at ``start``, and where the next one begins."""
    end = body.find(b"\n", start)
    if end < 0:
        end = len(body)
    return body[start:end], end + 1


def _item(body: bytes, start: int) -> tuple[Item, int]:
    line, start = _line(body, start)
    headers = item_headers(line)
    length: int | None = headers.get("length")
    payload, end = _line(body, start) if length is None else _counted(body, start, length)
    return Item(headers, payload, _decoded(headers, payload)), end


def _counted(body: bytes, start: int, length: int) -> tuple[bytes, int]:
    """The payload of this length at ``start``, and where the next item begins."""
    end = start + length
    payload = body[start:end]
    if len(payload) < length:
        raise MalformedEnvelope(400, f"unexpected end of file: {len(payload)} bytes of a payload of {length}")
    if body[end : end + 1] not in (b"\n", b""):
        raise MalformedEnvelope(400, f"missing newline after header or payload: there is more than length {length}")
    return payload, end + 1


def _decoded(headers: Mapping[str, Any], payload: bytes) -> dict[str, Any] | None:
    type = headers["type"]
    if type not in JSON_TYPES:
        return None
    try:
        value = decode_object(payload)
        if type in CONTAINER_TYPES or is_container(headers):
            _check_container(headers, value)
    except ValueError as error:
        raise MalformedEnvelope(400, f"invalid {type} item: {error}") from error
    return value


def _check_container(headers: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    items = value.get("items")
    if not is_container(headers) or not isinstance(items, list):
        raise ValueError("not a container of items")
    if headers.get("item_count") != len(items):
        raise ValueError(f"item_count is {headers.get('item_count')}, and there are {len(items)}")


def _kind(item: Item) -> str:
    return f"{item.type} container" if is_container(item.headers) else item.type
