"""The encodings that need a package: on the wire, and at the test server's door."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Callable

import brotli
import pytest
from backports import zstd

from asyncsentry.testing import LocalSentry
from asyncsentry.testing.encodings import decompress
from asyncsentry.testing.refusals import Refusal
from conftest import OpenClient

COMPRESS: dict[str, Callable[[bytes], bytes]] = {"br": brotli.compress, "zstd": zstd.compress}
FRAMES = b'{"filename": "shop.py", "function": "sell", "lineno": %d}'
BODY = b",".join(FRAMES % number for number in range(500))


@pytest.mark.parametrize("encoding", COMPRESS)
def test_events_arrive_in_the_encoding_that_the_option_names(
    sentry: LocalSentry, open_client: OpenClient, encoding: str
) -> None:
    open_client(compress=encoding).capture_message("by option")
    open_client(f"{sentry.dsn_for('urllib')}?compress={encoding}").capture_message("by DSN")
    assert [event["logentry"]["formatted"] for event in sentry.events] == ["by option", "by DSN"]
    for request in sentry.requests:
        assert request.headers["content-encoding"] == encoding
        assert len(request.raw_body) < len(request.body)


@pytest.mark.parametrize("encoding", COMPRESS)
def test_without_its_package_an_encoding_is_refused_at_set_up_and_by_the_server(encoding: str) -> None:
    program = f"""
import sys
sys.modules["brotli"] = sys.modules["backports.zstd"] = None  # as if they were not installed
import asyncsentry
from asyncsentry.testing.encodings import decompress
for attempt in (lambda: asyncsentry.init(compress={encoding!r}), lambda: decompress(b"", {encoding!r})):
    try:
        attempt()
    except Exception as error:
        print(type(error).__name__, error)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=True)
    refused, unread = ran.stdout.splitlines()
    assert refused.startswith(f"OptionError compress {encoding!r} needs the package ")
    assert refused.endswith(f'pip install "asyncsentry[{encoding}]"')
    assert unread.startswith(f'Refusal to read {encoding} this server needs pip install "asyncsentry[{encoding}]"')


@pytest.mark.parametrize("encoding", COMPRESS)
def test_what_the_server_reads_is_what_was_compressed(encoding: str) -> None:
    body = COMPRESS[encoding](BODY)
    assert decompress(body, encoding) == BODY
    assert decompress(body, encoding, limit=len(BODY)) == BODY


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_body_that_inflates_beyond_the_limit_is_a_413(encoding: str) -> None:
    with pytest.raises(Refusal, match=f"more than {len(BODY) - 1} bytes") as caught:
        decompress(COMPRESS[encoding](BODY), encoding, limit=len(BODY) - 1)
    assert caught.value.status == 413


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize(
    "damage", [lambda body: body[:-1], lambda body: body + b"more", lambda _: b"", lambda _: zlib.compress(BODY)]
)
def test_a_body_that_is_not_what_its_encoding_says_is_refused(encoding: str, damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Refusal, match=encoding) as caught:
        decompress(damage(COMPRESS[encoding](BODY)), encoding)
    assert caught.value.status == 400
