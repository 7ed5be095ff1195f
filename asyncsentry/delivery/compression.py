"""How a body is compressed, by the token that says so: https://develop.sentry.dev/sdk/foundations/transport/compression/"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final, NamedTuple

Level = int
"""Of gzip, from 1 to 9; 0 is no compression."""

PACKAGES: Final = {"br": "brotli", "zstd": "backports.zstd"}
"""What has to be installed for an encoding that is not in the standard library. The extra has the encoding's name."""

_GZIP_CONTAINER: Final = 31
_ZSTD_LEVEL: Final = 1  # the time of gzip's level 1 or less, and a little fewer bytes; lower levels give much more
_BROTLI_QUALITY: Final = 5  # the lowest that saves what nothing else does: a tenth of the bytes, for thrice the time


class Compression(NamedTuple):
    """An encoding's token, and what encodes."""

    encoding: str
    compress: Callable[[bytes], bytes]


def compression(choice: Level | str) -> Compression | None:
    """What compresses as the option ``compress`` says; None for level 0. `ImportError` if its package is missing."""
    if choice == "zstd":
        from backports import zstd

        return Compression("zstd", lambda body: zstd.compress(body, _ZSTD_LEVEL))
    if choice == "br":
        import brotli

        return Compression("br", lambda body: bytes(brotli.compress(body, quality=_BROTLI_QUALITY)))
    return Compression("gzip", lambda body: _gzip(body, int(choice))) if choice else None


def _gzip(body: bytes, level: Level) -> bytes:
    """One gzip member. Level 6 takes up to thrice the time of level 1 on a loop, and saves a sixth of the bytes."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, _GZIP_CONTAINER)
    return compressor.compress(body) + compressor.flush()
