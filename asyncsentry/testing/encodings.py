"""What a server makes of ``Content-Encoding``: https://develop.sentry.dev/sdk/foundations/transport/compression/"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from asyncsentry.testing.http1 import MAX_BODY
from asyncsentry.testing.refusals import Refusal


class Inflated(NamedTuple):
    """What came out of a body, at most as much as was asked for."""

    found: bytes
    more: bool
    """Whether there would have been more."""
    whole: bool
    """Whether the stream came to its end, and the body with it."""


def _inflate(window_bits: int) -> Callable[[bytes, int], Inflated]:
    def inflate(body: bytes, limit: int) -> Inflated:
        inflater = zlib.decompressobj(window_bits)
        try:
            found = inflater.decompress(body, limit)
        except zlib.error as error:
            raise ValueError(error) from error
        return Inflated(found, bool(inflater.unconsumed_tail), inflater.eof and not inflater.unused_data)

    return inflate


def _brotli(body: bytes, limit: int) -> Inflated:
    import brotli

    inflater = brotli.Decompressor()
    try:
        found = inflater.process(body, output_buffer_limit=limit + 1)
    except brotli.error as error:
        raise ValueError(error) from error
    return Inflated(found, len(found) > limit, inflater.is_finished())


def _zstd(body: bytes, limit: int) -> Inflated:
    from backports import zstd

    inflater = zstd.ZstdDecompressor()
    try:
        found = inflater.decompress(body, limit + 1)
    except zstd.ZstdError as error:
        raise ValueError(error) from error
    return Inflated(found, len(found) > limit, inflater.eof and not inflater.unused_data)


_ENCODINGS: Final[Mapping[str, Callable[[bytes, int], Inflated]]] = {
    "gzip": _inflate(16 + zlib.MAX_WBITS),
    "deflate": _inflate(zlib.MAX_WBITS),  # with zlib's header and check sum
    "br": _brotli,
    "zstd": _zstd,
}


def decompress(body: bytes, encoding: str, limit: int = MAX_BODY) -> bytes:
    """The body as it was before ``Content-Encoding``, whose name has to be exact. A `Refusal` if that can't be told."""
    if encoding in ("", "identity", "UTF-8"):
        return body
    if encoding not in _ENCODINGS:
        raise Refusal(415, f"Content-Encoding is {encoding!r}", {"Accept-Encoding": ", ".join(_ENCODINGS)})
    try:
        inflated = _ENCODINGS[encoding](body, limit)
    except ImportError as error:
        needed = f'to read {encoding} this server needs pip install "asyncsentry[{encoding}]" ({error})'
        raise Refusal(415, needed) from error
    except ValueError as error:
        raise Refusal(400, f"not {encoding}: {error}") from error
    if inflated.more:
        raise Refusal(413, f"a body of more than {limit} bytes")
    if not inflated.whole:
        raise Refusal(400, f"not one whole {encoding} stream")
    return inflated.found
