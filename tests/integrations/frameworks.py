"""The frameworks, and what is particular to each: the suite is the same for all of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

from extras.serving import STRICT

GEVENT: Final = ("-W", "error", "-W", "ignore:This process:DeprecationWarning", "-W", "ignore:Monkey-patching ssl")
"""It warns of itself."""

WAITRESS: Final = ("-W", "error", "-W", "ignore::ResourceWarning")
"""It leaves the pipe open by which it wakes itself."""

PYRAMID: Final = (*STRICT, "-W", "ignore::ResourceWarning")

GUNICORN: Final = ("-W", "error", "-W", "ignore::ResourceWarning")
"""Its workers leave sockets open when they end."""

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
    transport: str = "asyncio"
    """The transport of its own style: what is captured before its loop runs is sent once the integration says so."""
    inside: tuple[str, ...] = INSIDE
    """What the shop's ``/scopes/…`` knows."""
    flags: tuple[str, ...] = ("-W", "error")
    """The interpreter's, for the program."""

    def __str__(self) -> str:
        return self.name


WSGI: Final = frozenset({"socket", "startup", "shutdown", "event id of a crash"})
"""What WSGI has not. An error that an application lets out is answered by its server, which knows no event."""

CRASH: Final = frozenset({"event id of a crash"})

GREEN: Final = ("generator", "greenlet", "pool")
THREADS: Final = ("generator", "thread")

FRAMEWORKS: Final = (
    Framework("aiohttp", "aiohttp"),
    Framework("gevent", "gevent", lacks=WSGI, item="/item/7", transport="gevent", inside=GREEN, flags=GEVENT),
    Framework("gevent_unpatched", "gevent", lacks=WSGI, item="/item/7", transport="gevent", inside=GREEN, flags=GEVENT),
    Framework("wsgi_gunicorn", "wsgi", WSGI, item="/item/7", transport="threaded", inside=THREADS, flags=GUNICORN),
    Framework("wsgi_threads", "wsgi", WSGI, item="/item/7", transport="threaded", inside=THREADS, flags=GUNICORN),
    # What is no framework has no routes; and what it does not answer its server does, which names no event.
    Framework("asgi_uvicorn", "asgi", lacks=frozenset({"route", "event id of a crash"})),
    Framework("asgi_hypercorn", "asgi", lacks=frozenset({"route", "event id of a crash"})),
    # uvicorn hangs up where an error comes through to it.
    Framework("starlette_uvicorn", "starlette", frozenset({"connection after a crash"}), inside=(*INSIDE, "pool")),
    Framework("starlette_hypercorn", "starlette", inside=(*INSIDE, "pool")),
    Framework(
        "fastapi_uvicorn", "fastapi", frozenset({"connection after a crash"}), inside=(*INSIDE, "pool", "dependency")
    ),
    Framework("fastapi_hypercorn", "fastapi", inside=(*INSIDE, "pool", "dependency")),
    # Without chunks, as its server answers, nobody sees that an answer is not whole.
    Framework(
        "bottle", "bottle", WSGI - CRASH | {"stream"}, item="/item/<number>", transport="threaded", inside=THREADS
    ),
    Framework(
        "bottle_waitress",
        "bottle",
        WSGI - CRASH,
        item="/item/<number>",
        transport="threaded",
        inside=THREADS,
        flags=WAITRESS,
    ),
    Framework("falcon_wsgi", "falcon", WSGI - CRASH, transport="threaded", inside=THREADS, flags=GUNICORN),
    # While it streams it does not ask whether there is a client; for server-sent events it does.
    Framework("falcon_uvicorn", "falcon", frozenset({"endless"})),
    Framework("pyramid", "pyramid", WSGI, transport="threaded", inside=THREADS, flags=PYRAMID),
)
