"""What an envelope's headers, and an item's, may say: a wrong type in one loses the whole envelope."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from asyncsentry.strict_json import decode_header
from asyncsentry.testing.refusals import MalformedEnvelope

CONTAINER: Final = "application/vnd.sentry.items."
"""How the content type begins of an item that holds several logs, metrics or spans."""

_ENVELOPE_TYPES: Final = {"event_id": str, "dsn": str, "sdk": dict, "sent_at": str}
_ITEM_TYPES: Final = {"type": str, "content_type": str, "filename": str, "attachment_type": str, "platform": str}

_EVENT_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def envelope_headers(line: bytes) -> dict[str, Any]:
    """The headers of an envelope, from its first line."""
    try:
        headers = decode_header(line)
        _check_types(headers, _ENVELOPE_TYPES)
        _check_event_id(headers.get("event_id"))
        _check_moment(headers.get("sent_at"))
    except ValueError as error:
        raise MalformedEnvelope(400, f"invalid envelope header: {error}") from error
    return headers


def item_headers(line: bytes) -> dict[str, Any]:
    """The headers of an item, from the line before its payload."""
    if not line:
        raise MalformedEnvelope(400, "unexpected end of file: an empty line where an item begins")
    try:
        headers = decode_header(line)
        _check_types(headers, _ITEM_TYPES)
        if headers.get("type") is None:
            raise ValueError("no type")
        _check_count("length", headers.get("length"))
        _check_count("item_count", headers.get("item_count"))
    except ValueError as error:
        raise MalformedEnvelope(400, f"invalid item header: {error}") from error
    return headers


def is_container(headers: Mapping[str, Any]) -> bool:
    """Whether the item with these headers holds several of its type."""
    return str(headers.get("content_type")).startswith(CONTAINER)


def _check_types(headers: Mapping[str, object], types: Mapping[str, type]) -> None:
    for name, expected in types.items():
        value = headers.get(name)
        if value is not None and not isinstance(value, expected):
            raise ValueError(f"{name} is of type {type(value).__name__}")


def _check_event_id(text: str | None) -> None:
    if text is not None and not _EVENT_ID.fullmatch(text):
        raise ValueError(f"event_id is {text!r}")


def _check_moment(text: str | None) -> None:
    if text is None:
        return
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ValueError(f"sent_at is {text!r}, not a moment with its offset from UTC")
    datetime.fromisoformat(found[1])  # refuses the 30th of February


def _check_count(name: str, value: object) -> None:
    if value is not None and (type(value) is not int or not 0 <= value < 2**32):
        raise ValueError(f"{name} is {value!r}")
