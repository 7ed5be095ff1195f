"""What is in the requests of the SDKs: decoded, and how many events.

Envelopes (asyncsentry, sentry-sdk, the floor) and elastic-apm's lines may hold several; a request of any other SDK is
one event.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any, Final

ZLIB_OR_GZIP: Final = zlib.MAX_WBITS | 32


def decoded(body: bytes) -> bytes:
    """Without its compression, whichever of those that the SDKs use."""
    if body.startswith((b"eJ", b"eN")):  # what zlib gives begins so in base64: raven
        body = base64.b64decode(body)
    if body.startswith((b"\x1f\x8b", b"\x78")):
        return zlib.decompress(body, ZLIB_OR_GZIP)
    return body


def items(envelope: bytes) -> Iterator[tuple[str, bytes]]:
    """The type and the payload of each, of a decoded body that is an envelope."""
    begin = envelope.find(b"\n") + 1
    while begin and begin < len(envelope):
        end = envelope.find(b"\n", begin)
        header: dict[str, Any] = json.loads(envelope[begin:end])
        stop = end + 1 + header["length"]
        yield header["type"], envelope[end + 1 : stop]
        begin = stop + 1


def events(body: bytes) -> int:
    """How many errors and messages are in it."""
    plain = decoded(body)
    line = plain[: plain.find(b"\n")] if b"\n" in plain else plain
    if line.startswith(b'{"metadata"'):
        return plain.count(b'\n{"error"')
    if line is not plain and line.startswith(b"{") and line.endswith(b"}"):
        return sum(kind == "event" for kind, _ in items(plain))
    return 1
