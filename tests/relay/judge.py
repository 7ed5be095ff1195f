"""Sentry's own judgement of an event: Relay's normalizer, set up as Sentry's ingest sets it up.

It is without the help that an envelope's event does not get: the Python binding mends what older clients got wrong
(NaN, bad UTF-8, lone surrogates) before it normalizes; a server does not, and refuses such an event as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sentry_relay._lowlevel import lib
from sentry_relay.processing import StoreNormalizer
from sentry_relay.utils import decode_str, encode_str

from asyncsentry.json import encode
from asyncsentry.version import USER_AGENT

_Normalizer: Any = StoreNormalizer  # the package has no types; what its code looks like misleads

_NORMALIZER = _Normalizer(
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
    payload.decode("utf-8")  # the binding leaves this to its caller
    answer = _NORMALIZER._methodcall(lib.relay_store_normalizer_normalize_event, encode_str(payload))
    stored: dict[str, Any] = json.loads(decode_str(answer, free=True))
    return stored


def normalized(event: object) -> dict[str, Any]:
    """An event of ours as Sentry would store it."""
    return normalize(encode(event))


def errors(event: object) -> list[str]:
    """What Relay found wrong in the event and threw away, as ``path: error``."""
    return [
        f"{path}: {error}" for path, meta in _metas(normalized(event).get("_meta", {})) for error in meta.get("err", ())
    ]


def findings(payload: bytes) -> list[str]:
    """What Relay threw away or cut in the event, as ``path: note``; what the SDK itself noted is not repeated."""
    own = list(_metas(json.loads(payload).get("_meta", {})))
    found = _metas(normalize(payload).get("_meta", {}))
    return [f"{path}: {json.dumps(meta, sort_keys=True)}" for path, meta in found if (path, meta) not in own]


def _metas(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in tree.items():
        if key == "":
            yield path, value
        else:
            yield from _metas(value, f"{path}.{key}" if path else key)
