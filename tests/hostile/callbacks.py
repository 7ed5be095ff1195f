"""Hostile callbacks: ``before_send`` (with raven a processor), ``before_breadcrumb``, ``error_sampler``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from hostile.case import Group, Sdk
from hostile.moments import fail

GROUP: Final = Group("Callbacks")

Options = Callable[[Sdk], Mapping[str, Any]]


def before_send(callback: Callable[[Sdk, Any], Any]) -> Options:
    return lambda sdk: {"before_send": lambda event, hint: callback(sdk, event)}


def before_breadcrumb(callback: Callable[[Sdk, Any], Any]) -> Options:
    return lambda sdk: {"before_breadcrumb": lambda crumb, hint: callback(sdk, crumb)}


def sampler(callback: Callable[[Sdk, Any], Any]) -> Options:
    return lambda sdk: {"error_sampler": lambda event, hint: callback(sdk, event)}


def raising(error: BaseException) -> Callable[[Sdk, Any], Any]:
    def callback(_sdk: Sdk, _given: object) -> Any:
        raise error

    return callback


def crumbs(sdk: Sdk) -> None:
    sdk.breadcrumb("a step", number=1)
    fail(sdk)


class Hostile:
    def __bool__(self) -> bool:
        raise RuntimeError("hostile")

    __float__ = __lt__ = __le__ = __eq__ = __repr__ = __hash__ = __bool__  # type: ignore[assignment]


def event_of_nonsense(_sdk: Sdk, event: Any) -> Any:
    event.clear()
    event.update({5: Hostile(), "exception": Hostile(), "tags": 3, "contexts": event, "level": b"\xff", "x": {1, 2}})
    return event


def deep(_sdk: Sdk, event: Any) -> Any:
    inner: dict[str, Any] = {}
    event["extra"] = inner
    for _ in range(5000):
        inner["inner"] = inner = {}
    return event


def capturing(sdk: Sdk, given: Any) -> Any:
    fail(sdk)
    return given


def slow(_sdk: Sdk, given: Any) -> Any:
    time.sleep(0.2)
    return given


kept: list[Any] = []


def keeping(_sdk: Sdk, given: Any) -> Any:
    kept.append(given)
    return given


class Sub(dict[Any, Any]):
    def __iter__(self) -> Any:
        raise RuntimeError("hostile")

    keys = items = values = get = __getitem__ = __len__ = copy = __contains__ = __iter__  # type: ignore[assignment]


async def coroutine(_event: Any, _hint: Any) -> Any:
    return _event


def add(name: str, told: str, run: Callable[[Sdk], None], options: Options, outcome: str, **rest: Any) -> None:
    GROUP.add(name, told, run, options=options, outcome=outcome, **rest)


PROGRAM: Final = "**counted, raises `SystemExit` into the program**"
add("send raises", "`before_send` raises `Exception`", fail, before_send(raising(KeyError("hostile"))), "counted")
add(
    "send exits",
    "`before_send` raises `SystemExit`, as who wants the program to end does",
    fail,
    before_send(raising(SystemExit(3))),
    PROGRAM,
)
add("send recurses", "`before_send` raises `RecursionError`", fail, before_send(raising(RecursionError())), "counted")
add("send text", "`before_send` returns a text", fail, before_send(lambda sdk, event: "hostile"), "counted")
add(
    "send self",
    "`before_send` returns an object that cannot be asked anything",
    fail,
    before_send(lambda sdk, event: Hostile()),
    "counted",
)
add("send none", "`before_send` drops the event", fail, before_send(lambda sdk, event: None), "counted")
add(
    "send nonsense",
    "`before_send` fills the event with what no JSON has, and with itself",
    fail,
    before_send(event_of_nonsense),
    "event",
    shows=(),
)
add("send deep", "`before_send` adds what is nested 5,000 deep", fail, before_send(deep), "event")
add(
    "send subclass",
    "`before_send` returns a subclass of `dict` whose methods raise",
    fail,
    before_send(lambda sdk, event: Sub(event)),
    "event",
)
add("send capturing", "`before_send` captures", fail, before_send(capturing), "1 of 2 events, the rest counted")
add("send slow", "`before_send` sleeps for 0.2 s", fail, before_send(slow), "event")


@GROUP.case("`before_send` keeps the event, which the program changes later", options=before_send(keeping))
def send_keeping(sdk: Sdk) -> None:
    fail(sdk)
    for event in kept:
        event.clear()


@GROUP.case(
    "`before_send` is a coroutine function",
    options=lambda _: {"before_send": coroutine},
    outcome="refused at set-up: `OptionError`",
)
def send_coroutine(sdk: Sdk) -> None:
    fail(sdk)


RAVEN: Final = ("raven",)
add(
    "crumb raises",
    "`before_breadcrumb` raises",
    crumbs,
    before_breadcrumb(raising(KeyError("hostile"))),
    "event",
    without=RAVEN,
)
add(
    "crumb text",
    "`before_breadcrumb` returns a text",
    crumbs,
    before_breadcrumb(lambda sdk, crumb: "hostile"),
    "event",
    without=RAVEN,
)
add(
    "crumb nonsense",
    "`before_breadcrumb` returns what no JSON has",
    crumbs,
    before_breadcrumb(lambda sdk, crumb: {5: Hostile(), "data": {Hostile}, "timestamp": Hostile()}),
    "event",
    without=RAVEN,
)
add(
    "crumb capturing",
    "`before_breadcrumb` captures",
    crumbs,
    before_breadcrumb(capturing),
    "1 of 2 events, the rest counted",
    without=RAVEN,
)


@GROUP.case(
    "`before_breadcrumb` adds a breadcrumb",
    options=before_breadcrumb(lambda sdk, crumb: sdk.breadcrumb("more")),
    without=RAVEN,
)
def crumb_adding(sdk: Sdk) -> None:
    crumbs(sdk)


add("sampler raises", "`error_sampler` raises", fail, sampler(raising(KeyError("hostile"))), "event", without=RAVEN)
add(
    "sampler text",
    "`error_sampler` returns a text",
    fail,
    sampler(lambda sdk, event: "hostile"),
    "event",
    without=RAVEN,
)
add("sampler none", "`error_sampler` returns nothing", fail, sampler(lambda sdk, event: None), "event", without=RAVEN)
add(
    "sampler nan",
    "`error_sampler` returns no number (`nan`)",
    fail,
    sampler(lambda sdk, event: float("nan")),
    "event",
    without=RAVEN,
)
add(
    "sampler hostile",
    "`error_sampler` returns an object that cannot be asked anything",
    fail,
    sampler(lambda sdk, event: Hostile()),
    "event",
    without=RAVEN,
)
add(
    "sampler capturing",
    "`error_sampler` captures",
    fail,
    sampler(lambda sdk, event: capturing(sdk, 1.0)),
    "1 of 2 events, the rest counted",
    without=RAVEN,
)
