"""The real Bugsink stores what is right and refuses what is not: so what it stored of ours was right."""

from __future__ import annotations

import json
import time
import urllib.request
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from servers.bugsink import Bugsink


def post_by_hand(dsn: str, event: dict[str, object]) -> int:
    """Send one event as an envelope, with nothing of ours, and return the status."""
    parts = urlsplit(dsn)
    payload = json.dumps(event).encode()
    lines = [
        json.dumps({"event_id": event["event_id"], "dsn": dsn}).encode(),
        json.dumps({"type": "event", "length": len(payload)}).encode(),
        payload,
    ]
    request = urllib.request.Request(
        f"{parts.scheme}://{parts.hostname}:{parts.port}/api{parts.path}/envelope/",
        data=b"\n".join(lines),
        headers={
            "Content-Type": "application/x-sentry-envelope",
            "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_client=by-hand/1.0, sentry_key={parts.username}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return int(response.status)


def plain_event(**more: object) -> dict[str, object]:
    error = {"type": "ValueError", "value": "no such thing"}
    event = {"event_id": uuid4().hex, "timestamp": time.time(), "platform": "python", "level": "error"}
    return {**event, "exception": {"values": [error]}, **more}


def test_an_event_written_by_hand_is_stored_and_read_back(bugsink: Bugsink) -> None:
    event = plain_event(tags={"colour": "red"})
    assert post_by_hand(bugsink.dsn, event) == 200
    stored = bugsink.event(str(event["event_id"]))
    assert stored["exception"] == event["exception"]
    assert bugsink.title(str(event["event_id"])) == ("ValueError", "no such thing")
    assert bugsink.tags(str(event["event_id"]))["colour"] == "red"


def test_an_event_against_the_schema_is_answered_200_and_not_stored(bugsink: Bugsink) -> None:
    event = plain_event(exception={"values": "a string"})
    assert post_by_hand(bugsink.dsn, event) == 200
    with pytest.raises(LookupError, match="has no event"):
        bugsink.event(str(event["event_id"]))
