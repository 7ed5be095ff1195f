"""Hostile options, environment, and answers of the server."""

from __future__ import annotations

import os
from typing import Any, Final

from asyncsentry.testing import Answer
from hostile.case import Group, Sdk
from hostile.moments import fail

SETTINGS: Final = Group("Options and environment")
LONG: Final = "x" * 100_000


def add(name: str, told: str, environment: dict[str, str], outcome: str = "event") -> None:
    SETTINGS.add(name, told, fail, environment=environment, outcome=outcome)


ODD: Final = {"line": "a\r\nX-Injected: 1", "surrogate": os.fsdecode(b"\xff\xfe"), "long": LONG}
WORDS: Final = {"line": "with a line's end and a header in it", "surrogate": "that is no UTF-8", "long": "of 100 kB"}
for variable in ("SENTRY_RELEASE", "SENTRY_ENVIRONMENT"):
    for kind, value in ODD.items():
        add(f"{variable} {kind}", f"`{variable}` {WORDS[kind]}", {variable: value})
for kind, value in ODD.items():
    add(
        f"http_proxy {kind}",
        f"`http_proxy` {WORDS[kind]}",
        {"http_proxy": value, "no_proxy": ""},
        "refused at set-up: `OptionError`",
    )


def option(name: str, told: str, outcome: str = "event", **options: Any) -> None:
    SETTINGS.add(name, told, fail, options=lambda _: options, outcome=outcome)


for name in ("release", "environment", "server_name"):
    option(f"{name} nul", f"`{name}` with a NUL, a lone surrogate and a line's end", **{name: "a\0\ud800\r\nX: 1"})
    option(f"{name} long", f"`{name}` of 1 MB", **{name: "x" * 1_000_000})
    option(f"{name} number", f"`{name}` that is a number", outcome="refused at set-up: `OptionError`", **{name: 5})

MANY: Final = {f"X-{number}": "x" for number in range(100_000)}

ANSWERS: Final = Group("What the server answers")


def again(sdk: Sdk) -> None:
    """A first event, and one after its answer."""
    for _ in range(2):
        fail(sdk)
        sdk.flush()


def answered(name: str, told: str, *, status: int = 200, outcome: str = "2 events", **headers: str) -> None:
    """The first event is answered so; in the names of ``headers`` ``_`` stands for ``-``."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    ANSWERS.add(name, told, again, replies=(Answer(status, headers=named),), outcome=outcome)


def limited(name: str, told: str, value: str, outcome: str = "2 events") -> None:
    answered(f"limits {name}", f"200 with `X-Sentry-Rate-Limits` {told}", outcome=outcome, X_Sentry_Rate_Limits=value)


for value in ("soon", "-5", "nan", "inf", "1e308", "99999999999999999999", "Wed, 99 Oct 2015 07:28:00 GMT", ""):
    answered(f"retry {value}", f"503 with `Retry-After: {value}`", status=503, Retry_After=value)
for value in ("-1:error:key", "nan:error:key", ":::", "60", ";;;,,,:::", "1e9:nonsense:key"):
    limited(value, f"of `{value}`", value)
limited("bytes", "of bytes that are no text", "\x80\xff")
limited("long", "of 1 MB", "60:nonsense:key," * 62_500)
limited("huge", "of 1e300 seconds, which is obeyed", "1e300:error:key", "1 of 2 events, the rest counted")
answered("length", "200 whose `Content-Length` is nonsense", Content_Length="-5")
answered("encoding", "200 whose `Content-Encoding` is nonsense", Content_Encoding="hostile")
answered("redirect", "307 to itself", status=307, outcome="1 of 2 events, the rest counted", Location="/")
ANSWERS.add("many headers", "200 with 100,000 headers", again, replies=(Answer(headers=MANY),), outcome="2 events")
ANSWERS.add("body", "200 with a body of 5 MB", again, replies=(Answer(body=b"x" * 5_000_000),), outcome="2 events")
