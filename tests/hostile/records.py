"""Hostile log records, messages, breadcrumbs and data of scopes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hostile.case import Group, Run, Sdk
from hostile.moments import fail
from hostile.values import Cursed, Recurses, Text, raising

GROUP: Final = Group("Log records, messages, breadcrumbs, tags", together=True)

log: Final = logging.getLogger("shop")


@dataclass(frozen=True)
class Big:
    """A text that is only made where it is used."""

    begin: str
    size: int

    def make(self) -> str:
        return self.begin + "x" * self.size


def grown(value: object) -> Any:
    return value.make() if type(value) is Big else value


def logging_(*message: Any, **rest: Any) -> Run:
    """A program that logs an error, which its own handler does not print."""

    def run(sdk: Sdk) -> None:
        log.addHandler(logging.NullHandler())
        parts = [grown(part) for part in message]
        sdk.expect(1)
        sdk.watch(lambda: log.error(*parts, **rest))

    return run


def add(name: str, told: str, run: Callable[[Sdk], None], *shows: str, **rest: Any) -> None:
    GROUP.add(name, told, run, shows=shows, **rest)


add("percent few", "a log record whose `%` asks for more than there is", logging_("paid %s %s", 1), "paid %s %s")
add("percent many", "one whose `%` asks for less", logging_("paid", 1, 2), "paid")
add("percent type", "one whose `%d` is given a text", logging_("paid %d", "hostile"), "paid %d")
add("percent name", "one whose `%(name)s` is given a number", logging_("paid %(name)s", 5), "paid %(name)s")
add("percent broken", "one whose template is no template", logging_("paid %", 1), "paid %")
add("percent wide", "one whose template asks for 1 GB of blanks", logging_("paid %1000000000d", 1), "paid %1000000000d")
add("percent stars", "one whose template asks for 1 GB by its arguments", logging_("paid %*d", 10**9, 1), "paid %*d")
add(
    "braces",
    "one whose template reaches into its argument",
    logging_("paid {0.__class__.__init__.__globals__}", Text("x")),
    "paid {0.__class__.__init__.__globals__}",
)
add(
    "record repr",
    "one whose argument raises `Exception` when it is shown",
    logging_("paid %s", raising("__str__", ValueError("no"))),
    "paid %s",
)
add(
    "record exit",
    "one whose argument raises `SystemExit`",
    logging_("paid %s", raising("__str__", SystemExit(3))),
    "paid %s",
)
add("record recursion", "one whose argument recurses for ever", logging_("paid %r", Recurses()), "paid %r")
add("record text", "one whose message is no text", logging_(ValueError("paid")), "paid")
add(
    "record hostile",
    "one whose message is an object that raises `SystemExit` when it is shown",
    logging_(raising("__str__", SystemExit(3))),
)
add("record metaclass", "one whose message is of a class whose metaclass raises for everything", logging_(Cursed))
add("record enormous", "one of 20 MB", logging_(Big("paid ", 20_000_000)), "paid")
add("record argument", "one whose argument has 20 MB", logging_("paid %s", Big("", 20_000_000)), "paid")
add(
    "record extra",
    "one with hostile `extra`",
    logging_("paid", extra={"__class__": 5, "value": raising("__repr__", SystemExit(3)), "_x": Cursed, "data": 7}),
    "paid",
)
add(
    "record names",
    "one with `extra` under names that SDKs use",
    logging_(
        "paid", extra={"stack": 1, "tags": 2, "user": 3, "fingerprint": 4, "data": {5: 6}, "culprit": 7, "site": 8}
    ),
    "paid",
)
add("record lines", "one of lone surrogates, NULs and lines", logging_("paid \ud800 \0 \r\n"), "paid")
add("record error", "one whose `exc_info` is nonsense", logging_("paid", exc_info=(5, 6, 7)), "paid")


@GROUP.case("one whose `levelno`, `name` and `created` are nonsense", shows=("paid",))
def nonsense_record(sdk: Sdk) -> None:
    log.addHandler(logging.NullHandler())
    record = logging.makeLogRecord(
        {"name": 5, "msg": "paid", "args": 7, "levelno": 45.5, "levelname": None, "created": "now", "pathname": None}
    )
    sdk.expect(1)
    sdk.watch(lambda: log.handle(record))


@GROUP.case("one that a handler of the program's own raises at", shows=("paid",), alone=True)
def raising_handler(sdk: Sdk) -> None:
    class Raises(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise SystemExit(3)

    logging.getLogger("shop").addHandler(Raises())
    sdk.expect(1)
    try:
        log.error("paid")
    except SystemExit:
        print("as without us")


def saying(text: Any) -> Run:
    return lambda sdk: sdk.message(grown(text))


add("message number", "a message that is a number", saying(5), "5")
add("message hostile", "a message that raises `SystemExit` when it is shown", saying(raising("__str__", SystemExit(3))))
add("message subclass", "a message of a subclass of `str` whose methods raise", saying(Text("paid")))
add("message enormous", "a message of 100 MB", saying(Big("paid", 100_000_000)), "paid")
add("message bytes", "a message of bytes that are no UTF-8", saying(b"paid \xff"), "paid")


@GROUP.case("breadcrumbs of hostile values, and one of 100 MB", alone=True)
def breadcrumbs(sdk: Sdk) -> None:
    for value in (raising("__repr__", SystemExit(3)), Cursed, Recurses(), "x" * 100_000_000, 5, None):
        sdk.breadcrumb(value, value=value)
    fail(sdk)


@GROUP.case("tags and extra data of hostile values, under hostile names", alone=True)
def scope_data(sdk: Sdk) -> None:
    for value in (raising("__repr__", SystemExit(3)), Text("x"), Recurses(), "x" * 10_000_000, None, "\ud800\0\n"):
        sdk.tag("name", value)
        sdk.extra("name", value)
        sdk.tag(f"\ud800\0\n {id(value)}", value)
        sdk.extra(f"\ud800\0\n {id(value)}", value)
    sdk.tag("n" * 1_000_000, 1)
    sdk.extra("n" * 1_000_000, 1)
    fail(sdk)


@GROUP.case("100,000 tags and pieces of extra data", alone=True)
def many_tags(sdk: Any) -> None:
    sdk.quietly = True
    for number in range(100_000):
        sdk.tag(f"tag {number}", number)
        sdk.extra(f"extra {number}", number)
    sdk.quietly = False
    fail(sdk)
