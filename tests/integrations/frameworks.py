"""The frameworks, and what is particular to each: the suite is the same for all of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

INSIDE: Final = ("gather", "wait_for", "thread", "generator", *(("taskgroup",) if sys.version_info >= (3, 11) else ()))
"""The places inside of which an asyncio program comes to know something: see `integrations.programs.shop.INSIDE`."""


@dataclass(frozen=True, slots=True)
class Framework:
    """A row of the table: ``name`` is that of the shop's program on it."""

    name: str
    mechanism: str
    """The type of the mechanism of what nobody handled."""
    lacks: frozenset[str] = frozenset()
    """What it cannot do, or what has no meaning for it; the reason stands beside it. The suite leaves it out."""
    item: str = "/item/{number}"
    """The name of the transaction for the route of an item."""
    inside: tuple[str, ...] = INSIDE
    """What the shop's ``/scopes/…`` knows."""
    flags: tuple[str, ...] = ("-W", "error")
    """The interpreter's, for the program."""

    def __str__(self) -> str:
        return self.name


_TWISTED: Final = ("-W", "error", "-W", "ignore:twisted.web.resource._Unsafe")
"""Twisted's own page for what is not there is deprecated."""

_CLEANED: Final = {"fail"} if version("twisted").startswith("24.7") else set[str]()
"""Of what fails in a Deferred, Twisted 24.7 keeps no variables."""

FRAMEWORKS: Final = (
    Framework("aiohttp", "aiohttp"),
    # Klein has no WebSockets, and ends an answer that it cannot go on with by a page of its own.
    Framework("klein", "twisted", frozenset({"socket", "stream"} | _CLEANED), "/item/<number>", flags=_TWISTED),
    # A Tornado program begins and ends by itself; before it calls a handler Tornado has read the body.
    Framework("tornado", "tornado", frozenset({"startup", "shutdown", "reading on demand"}), r"/item/(?P<number>\d+)"),
    # A resource of twisted.web has no errors that stand for a status, no WebSockets, and a class instead of a route.
    Framework(
        "twisted_web",
        "twisted",
        frozenset({"socket", "statuses", "unavailable"}),
        "Item.render_GET",
        inside=("coroutine", "inlineCallbacks", "gather", "callback", "thread"),
        flags=_TWISTED,
    ),
)
