"""A DSN is understood or refused with a `DsnError`; it comes back as it was; its secret is shown nowhere."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlsplit

from asyncsentry.dsn import Dsn, parse
from asyncsentry.errors import DsnError
from fuzz.feed import as_text

WORDS = (
    *(
        b"://",
        b"http",
        b"https",
        b"HTTPS",
        b"asyncio+",
        b"threaded+requests+",
        b"@",
        b":",
        b"/",
        b"?",
        b"&",
        b"=",
        b"#",
    ),
    *(b"[::1]", b"[", b"]", b"%41", b"%2F", b"%40", b"%00", b"%C3%A9", b"%FF", b"%", b"443", b"65535", b"99999999999"),
    *(
        "ü.example".encode(),
        b"o1.ingest.us.sentry.io",
        b"timeout=2",
        b"https://key:secret@host/1",
        b"\n",
        b"\xff",
        b" ",
    ),
)

SECRET = "hunter2hunter2"
_AUTHORITY = re.compile(r"(?<=://)[^/?#@:]*(?::[^/?#@]*)?(?=@)")


def target(data: bytes) -> None:
    text = as_text(data)
    understand(text)
    with_secret = _AUTHORITY.sub(lambda keys: f"{keys[0].partition(':')[0]}:{SECRET}", text, count=1)
    dsn, said = understand(with_secret)
    assert SECRET not in said
    if dsn is not None and with_secret != text:
        assert dsn.secret_key is not None
        assert SECRET in dsn.auth_header


def understand(text: str) -> tuple[Dsn | None, str]:
    """The DSN, if it is one, and all that is said of it."""
    try:
        dsn = parse(text)
    except DsnError as error:
        return None, f"{error} {error!r}"
    check(dsn)
    return dsn, f"{dsn} {dsn!r} {dsn.envelope_url}"


def check(dsn: Dsn) -> None:
    """Nothing of it can break a request, and what is shown of it leads to the same place."""
    assert dsn.auth_header.isascii()
    assert dsn.auth_header.isprintable()
    assert dsn.auth_header.count(",") == (2 if dsn.secret_key is None else 3)
    assert dsn.envelope_url.isascii()
    assert dsn.envelope_url.isprintable()
    assert " " not in dsn.envelope_url
    assert urlsplit(dsn.envelope_url).hostname == dsn.host
    assert (urlsplit(dsn.envelope_url).port or parse(f"{dsn.scheme}://k@h/1").port) == dsn.port
    assert replace(parse(str(dsn)), options=dsn.options) == replace(dsn, secret_key=None)
