"""Hostile options, environment, and answers of the server."""

from __future__ import annotations

import os
from typing import Any, Final

from asyncsentry.testing import Answer
from hostile.case import Group
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

ANSWERS: Final = Group("What the server answers")


def answered(name: str, told: str, *, status: int = 200, outcome: str = "2 events", **headers: str) -> None:
    """A first event that is answered so, and a second one."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}

    def run(sdk: Any) -> None:
        fail(sdk)
        sdk.flush()
        fail(sdk)
        sdk.flush()

    ANSWERS.add(name, told, run, replies=(Answer(status, headers=named),), outcome=outcome)


LIMITS: Final = "X_Sentry_Rate_Limits"
for value in ("soon", "-5", "nan", "inf", "1e308", "99999999999999999999", "Wed, 99 Oct 2015 07:28:00 GMT", ""):
    answered(f"retry {value}", f"503 with `Retry-After: {value}`", status=503, Retry_After=value)
for value in ("-1:error:key", "nan:error:key", ":::", "60", ";;;,,,:::", "1e9:nonsense:key", "\x80\xff"):
    answered(
        f"limits {value}",
        f"200 with `X-Sentry-Rate-Limits: {value}`".replace("\x80\xff", "(bytes that are no text)"),
        **{LIMITS: value},
    )
answered("limits long", "200 with `X-Sentry-Rate-Limits` of 1 MB", **{LIMITS: "60:nonsense:key," * 62_500})
answered(
    "limits huge",
    "200 with a limit of 1e300 seconds, which is obeyed",
    outcome="1 of 2 events, the rest counted",
    **{LIMITS: "1e300:error:key"},
)
answered("header long", "200 with 100,000 headers", **{f"X-{number}": "x" for number in range(100_000)})
answered("length", "200 whose `Content-Length` is nonsense", **{"Content-Length": "-5"})
answered("encoding", "200 whose `Content-Encoding` is nonsense", **{"Content-Encoding": "hostile"})
answered("redirect", "307 to itself", status=307, Location="/", outcome="1 of 2 events, the rest counted")
ANSWERS.add(
    "body",
    "200 with a body of 5 MB",
    lambda sdk: (fail(sdk), sdk.flush()),  # type: ignore[arg-type,return-value]
    replies=(Answer(200, body=b"x" * 5_000_000),),
)
