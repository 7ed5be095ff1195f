"""The SDKs that are compared, each behind one small adapter, all with the same interface.

An adapter is a class named ``Adapter`` in a module of this package, and is made without arguments or with one word. It
imports its SDK in its own ``__init__``, so that a process has loaded one SDK alone; through `import_module`, since the
peers ship no types, or are not there where types are checked. What an SDK offers nothing for is None, or not in
``modes``. Each is set up as its own documentation does, but for what would send anything beside errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Literal, Protocol

Mode = Literal["on", "default", "roomy", "seen", "refused", "limited", "off", "ignored", "unsampled", "flooded"]
"""How an SDK is set up.

``on``: as users have it, but that it does not hold back equal errors, as most SDKs do not; ``default``: it does if it
can; ``roomy``: ``on``, with room for all that a case captures; ``seen``: with a hook that is given each event and
returns it; ``refused``: with one that drops it; ``limited``: ``on``, while the server limits the rate; ``off``: with no
DSN, or what stands for it; ``ignored``: the workloads' errors are ignored by their type; ``unsampled``: with a sample
rate of 0; ``flooded``: flood control lets one error of each issue through.
"""

Modes = frozenset[Mode]
USUAL: Final[Modes] = frozenset({"on", "default", "roomy", "limited", "off", "ignored"})
"""What most SDKs can."""


def usual_and(*modes: Mode) -> Modes:
    return USUAL | frozenset(modes)


POLL: Final = 0.0003
"""Seconds between two looks at an SDK's queue."""
PATIENCE: Final = 10.0
"""Seconds for what is queued to be sent."""


class Adapter(Protocol):
    """One SDK."""

    modes: Modes
    works_uninitialised: bool
    """Whether ``capture`` may be called before ``init``."""
    knows_again: bool
    """Whether it skips an error that was captured just before."""
    watches_logging: bool
    """Whether it looks at log records without being asked to."""
    capture: Callable[[BaseException], object]
    capture_message: Callable[[str], object] | None
    add_breadcrumb: Callable[[str], object] | None
    counted: Callable[[], int] | None
    """Gives how many errors it knows to be lost so far, by whatever."""
    full_after: int | None
    """So many errors ``mid`` fill its queue while the server answers nothing; None: there is no bound within reach."""

    def init(self, url: str, mode: Mode, ignored: type[Exception]) -> None:
        """Set the SDK up to send to the server at ``url``; in the mode "ignored" errors of that type are dropped."""

    async def drain(self, patience: float = PATIENCE) -> None:
        """Return when nothing is left to be sent. Raises `TimeoutError` after ``patience`` seconds."""


@dataclass(frozen=True)
class Entry:
    """Where an SDK's adapter is."""

    module: str
    distributions: tuple[str, ...] = ()
    """Those that have to be installed; the first is the SDK itself, whose version is shown."""
    arguments: tuple[str, ...] = ()
    needs_loop: bool = False
    """Whether it sends nothing from a program without asyncio."""
    integrated: bool = False
    """Whether it looks after web frameworks: by itself, or by an integration of its own."""


SDKS: Final[dict[str, Entry]] = {
    "asyncsentry": Entry("ours", ("asyncsentry",), ("asyncio",), needs_loop=True, integrated=True),
    "asyncsentry aiohttp": Entry("ours", ("asyncsentry", "aiohttp"), ("aiohttp",), needs_loop=True, integrated=True),
    "asyncsentry threaded": Entry("ours", ("asyncsentry",), ("threaded",), integrated=True),
    "sentry-sdk": Entry("sentry_sdk", ("sentry-sdk",), integrated=True),
    "sentry-sdk async": Entry(
        "sentry_sdk", ("sentry-sdk", "httpcore", "h11"), ("async",), needs_loop=True, integrated=True
    ),
    "raven": Entry("raven", ("raven",)),
    "rollbar": Entry("rollbar", ("rollbar",)),
    "bugsnag": Entry("bugsnag", ("bugsnag",)),
    "elastic-apm": Entry("elasticapm", ("elastic-apm",)),
    "honeybadger": Entry("honeybadger", ("honeybadger",)),
    "floor": Entry("floor", needs_loop=True),
    "none": Entry("none"),
}
NONE: Final = "none"
"""No SDK at all: what the rest of a case's work costs."""
PEER: Final = "sentry-sdk"
"""The one that all others are compared with."""


def missing(name: str) -> str | None:
    """The distribution without which this SDK cannot be measured; None if it can."""
    from importlib.metadata import PackageNotFoundError, version  # not where memory is measured

    for distribution in SDKS[name].distributions:
        try:
            version(distribution)
        except PackageNotFoundError:
            return distribution
    return None


def label(name: str) -> str:
    """The SDK with its version."""
    from importlib.metadata import version

    distributions = SDKS[name].distributions
    return f"{name} {version(distributions[0])}" if distributions else name


def load(name: str) -> Adapter:
    """Import the SDK; it is not set up yet."""
    entry = SDKS[name]
    adapter: Adapter = import_module(f"sdks.{entry.module}").Adapter(*entry.arguments)
    return adapter


def host(url: str) -> str:
    """The host and the port of a URL, for a DSN."""
    return url.removeprefix("http://")


def exc_info(error: BaseException) -> tuple[type[BaseException], BaseException, Any]:
    """An error in the form that older SDKs take."""
    return type(error), error, error.__traceback__


async def until(done: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Look again and again, with the loop free in between: for SDKs that do not say when they have sent.

    Raises `TimeoutError` after ``patience`` seconds.
    """
    deadline = asyncio.get_running_loop().time() + patience
    while not done():
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError("the SDK did not send what it has")
        await asyncio.sleep(POLL)
