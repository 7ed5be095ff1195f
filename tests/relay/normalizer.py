"""Sentry's own judgement of an event: Relay's normalizer, set up as Sentry's ingest sets it up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sentry_relay.processing import StoreNormalizer

from asyncsentry.version import USER_AGENT

_NORMALIZER = StoreNormalizer(
    project_id=1,
    client=USER_AGENT,
    client_ip="127.0.0.1",
    key_id="1",
    protocol_version="7",
    max_secs_in_future=60,
    max_secs_in_past=30 * 86400,
    enable_trimming=True,
    is_renormalize=False,
)


# Any: JSON, as Relay returns it.
def normalize(payload: bytes) -> dict[str, Any]:
    """The event as Sentry would store it. Raises for one that Relay refuses as a whole."""
    normalized: dict[str, Any] = _NORMALIZER.normalize_event(raw_event=payload)
    return normalized


def findings(payload: bytes) -> list[str]:
    """What Relay threw away or cut in the event, as ``path: reason``; what the SDK itself noted is not repeated."""
    own = set(_notes(json.loads(payload).get("_meta", {})))
    return [note for note in _notes(normalize(payload).get("_meta", {})) if note not in own]


def _notes(meta: dict[str, Any], path: str = "") -> Iterator[str]:
    for key, value in meta.items():
        if key == "":
            yield f"{path}: {json.dumps(value, sort_keys=True)}"
        else:
            yield from _notes(value, f"{path}.{key}" if path else key)
