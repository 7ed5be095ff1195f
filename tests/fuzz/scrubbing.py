"""What is scrubbed is text again; it takes no time to speak of; once more changes nothing; what was secret is gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from asyncsentry.events.scrubbing import USUAL, scrub_cookies, scrub_headers, scrub_query, scrub_url
from asyncsentry.events.secrets import secrets_of
from fuzz.feed import Feed, as_text

WORDS = (
    *(b"password=", b"PWD=", b"token", b"%70assword=", b"+", b"&", b";", b"=", b"?", b"#", b"//", b"/", b"@", b":"),
    *(b"https://", b"user:pass@host", b"Authorization", b"Cookie", b"sessionid=", b"a=b; c=d", b"[Filtered]", b"%"),
    *(b'{"password": "x"}', b"Bearer x", b"4111 1111 1111 1111", b"-----BEGIN PRIVATE KEY-----", b"eyJhbGciOi", b"\n"),
)

SECRET: Final = "hunter2hunter2"
SENSITIVE: Final = ("password", "API_KEY", "my-token-2", "Set-Cookie", "csrfmiddlewaretoken")


def hide(text: str) -> str:
    hidden = secrets_of(USUAL).hide(text)
    return text if hidden is None else hidden.text


TEXTS: Final[Mapping[str, Callable[[str], str]]] = {
    "url": scrub_url,
    "query": scrub_query,
    "secrets": hide,
    "cookies": lambda header: "; ".join(f"{name}={value}" for name, value in scrub_cookies(header).items()),
}
"""What makes a text of a text. All are held to the same."""

PLANTS: Final[Mapping[str, tuple[Callable[[str], str], ...]]] = {
    "https://user:{secret}@host/{noise}": (scrub_url,),
    "https://{secret}@host/{noise}": (scrub_url,),
    "https://user:p@ss@{secret}@host/{noise}": (scrub_url,),
    "/{noise}?{noise}&{name}={secret}&{noise}": (scrub_url,),
    "/{noise}#{name}={secret}": (scrub_url,),
    "{noise}&{name}={secret}&{noise}": (scrub_query,),
    "{name}={secret}": (scrub_query, hide, TEXTS["cookies"]),
    "{noise} {name}: {secret}": (hide,),
    '{{"{noise}": 1, "{name}": "{secret}"}}': (hide,),
    "postgres://user:{secret}@host/{noise}": (hide,),
    "theme=dark;{name}={secret}; lang={noise}": (TEXTS["cookies"],),
}
"""Where secrets stand, and which of these functions have to find them. ``noise`` cannot end what it is in."""

LONG: Final = 50_000
PATIENCE: Final = 2.0
"""Seconds of the processor's time for so many characters: thousands of times what it takes, unless that grows faster
than the text."""


def target(data: bytes) -> None:
    feed = Feed(data)
    plant(feed)
    long = feed.below(64) == 1
    text = as_text(feed.rest())
    for scrub in TEXTS.values():
        once = scrub(text)
        assert type(once) is str
        assert scrub(once) == once or scrub is hide  # which may see an address where a secret was
        if long and text:
            hurry(scrub, text * (LONG // len(text) + 1))
    headers = scrub_headers((line.partition(":")[0], line.partition(":")[2]) for line in text.split("\n"))
    assert scrub_headers(headers.items()) == headers
    assert f"{text}Password{text}" in USUAL


def plant(feed: Feed) -> None:
    """Put a secret where it is one, among anything."""
    place, name, noise = feed.choose([*PLANTS]), feed.choose(SENSITIVE), quote(feed.text(), errors="replace")
    if feed.flag():
        name = name.replace("o", "%6F")
    text = place.format(secret=SECRET, noise=noise, name=name)
    for scrub in PLANTS[place]:
        if "%" not in name or scrub in (scrub_url, scrub_query):  # elsewhere names are not escaped
            assert SECRET not in scrub(text), text


def hurry(scrub: Callable[[str], str], text: str) -> None:
    began = time.thread_time()
    scrub(text)
    assert time.thread_time() - began < PATIENCE
