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
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Literal, Protocol

Mode = Literal["on", "limited", "off", "ignored", "unsampled"]
"""As users have it; the same, while the server limits the rate; with no DSN, or what stands for it; with the workloads'
errors ignored by their type; with a sample rate of 0."""

Modes = frozenset[Mode]

POLL: Final = 0.0003
"""Seconds between two looks at an SDK's queue."""
PATIENCE: Final = 10.0
"""Seconds for what is queued to be sent."""


class Adapter(Protocol):
    """One SDK."""

    modes: Modes
    works_uninitialised: bool
    """Whether ``capture`` may be called before ``init``."""
    watches_logging: bool
    """Whether it looks at log records without being asked to."""
    capture: Callable[[BaseException], object]
    capture_message: Callable[[str], object] | None
    add_breadcrumb: Callable[[str], object] | None

    def init(self, url: str, mode: Mode, ignored: type[Exception]) -> None:
        """Set the SDK up to send to the server at ``url``; in the mode "ignored" errors of that type are dropped."""

    async def drain(self) -> None:
        """Return when nothing is left to be sent."""


@dataclass(frozen=True)
class Entry:
    """Where an SDK's adapter is."""

    module: str
    distributions: tuple[str, ...] = ()
    """Those that have to be installed; the first is the SDK itself, whose version is shown."""
    arguments: tuple[str, ...] = ()


SDKS: Final[dict[str, Entry]] = {
    "asyncsentry": Entry("ours", ("asyncsentry",), ("asyncio",)),
    "asyncsentry aiohttp": Entry("ours", ("asyncsentry", "aiohttp"), ("aiohttp",)),
    "asyncsentry threaded": Entry("ours", ("asyncsentry",), ("threaded",)),
    "sentry-sdk": Entry("sentry_sdk", ("sentry-sdk",)),
    "raven": Entry("raven", ("raven",)),
    "rollbar": Entry("rollbar", ("rollbar",)),
    "bugsnag": Entry("bugsnag", ("bugsnag",)),
    "elastic-apm": Entry("elasticapm", ("elastic-apm",)),
    "honeybadger": Entry("honeybadger", ("honeybadger",)),
    "floor": Entry("floor"),
}
PEER: Final = "sentry-sdk"
"""The one that all others are compared with."""


def missing(name: str) -> str | None:
    """The distribution without which this SDK cannot be measured; None if it can."""
    for distribution in SDKS[name].distributions:
        try:
            version(distribution)
        except PackageNotFoundError:
            return distribution
    return None


def label(name: str) -> str:
    """The SDK with its version."""
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


async def until(done: Callable[[], bool]) -> None:
    """Look again and again, with the loop free in between: for SDKs that do not say when they have sent."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not done():
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError("the SDK did not send what it has")
        await asyncio.sleep(POLL)
