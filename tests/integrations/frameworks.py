"""The frameworks, and what is particular to each: the suite is the same for all of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import version
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


TWISTED: Final = ("-W", "error", "-W", "ignore:twisted.web.resource._Unsafe")
"""Twisted's own page for what is not there is deprecated."""

CLEANED: Final = {"fail"} if version("twisted").startswith("24.7") else set[str]()
"""Of what fails in a Deferred, Twisted 24.7 keeps no variables."""

WSGI: Final = frozenset({"socket", "startup", "shutdown", "event id of a crash"})
"""What WSGI has not. An error that an application lets out is answered by its server, which knows no event."""

DJANGO: Final = frozenset({"socket", "startup", "shutdown"})
"""What Django has not. It does not say where a loop begins to run, either: its own transport is one that needs none."""

VIEWS: Final = (*INSIDE, "view")

CRASH: Final = frozenset({"event id of a crash"})

FLASK: Final = WSGI - CRASH
"""It answers what views raise itself."""

GREEN: Final = ("generator", "greenlet", "pool")
THREADS: Final = ("generator", "thread")

FRAMEWORKS: Final = (
    Framework("aiohttp", "aiohttp"),
    *(
        Framework(name, "flask", FLASK, "/item/<int:number>", transport="threaded", inside=THREADS, flags=flags)
        for name, flags in (("flask", ("-W", "error")), ("flask_gunicorn", GUNICORN), ("flask_threads", GUNICORN))
    ),
    Framework("gevent", "gevent", lacks=WSGI, item="/item/7", transport="gevent", inside=GREEN, flags=GEVENT),
    Framework("gevent_unpatched", "gevent", lacks=WSGI, item="/item/7", transport="gevent", inside=GREEN, flags=GEVENT),
    Framework("wsgi_gunicorn", "wsgi", WSGI, item="/item/7", transport="threaded", inside=THREADS, flags=GUNICORN),
    Framework("wsgi_threads", "wsgi", WSGI, item="/item/7", transport="threaded", inside=THREADS, flags=GUNICORN),
    Framework("django_asgi_hypercorn", "django", DJANGO, transport="threaded", inside=VIEWS),
    Framework("django_asgi_uvicorn", "django", DJANGO, transport="threaded", inside=VIEWS),
    Framework("django_debug", "django", DJANGO, transport="threaded", inside=(*THREADS, "view"), flags=GUNICORN),
    Framework("django_wsgi", "django", DJANGO, transport="threaded", inside=(*THREADS, "view"), flags=GUNICORN),
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
    # Klein has no WebSockets, and ends an answer that it cannot go on with by a page of its own.
    Framework(
        "klein", "twisted", frozenset({"socket", "stream"} | CLEANED), "/item/<number>", "twisted", flags=TWISTED
    ),
    # A Tornado program begins and ends by itself; before it calls a handler Tornado has read the body.
    Framework(
        "tornado",
        "tornado",
        frozenset({"startup", "shutdown", "reading on demand"}),
        r"/item/(?P<number>\d+)",
        "tornado",
    ),
    # A resource of twisted.web has no errors that stand for a status, no WebSockets, and a class instead of a route.
    Framework(
        "twisted_web",
        "twisted",
        frozenset({"socket", "statuses", "unavailable"}),
        "Item.render_GET",
        "twisted",
        inside=("coroutine", "inlineCallbacks", "gather", "callback", "thread"),
        flags=TWISTED,
    ),
    # Quart reads a request's body beside its handler, whether that asks for it or not.
    Framework("quart_hypercorn", "quart", frozenset({"reading on demand"}), "/item/<number>"),
    Framework("quart_uvicorn", "quart", frozenset({"reading on demand"}), "/item/<number>"),
    Framework("litestar_uvicorn", "litestar"),
    Framework("litestar_hypercorn", "litestar"),
    # Sanic reads a request's body before its handler is called, unless that is one for streams; and it completes an
    # answer in the midst of which an error was raised.
    Framework("sanic", "sanic", frozenset({"reading on demand", "broken answers"}), "/item/<number:str>"),
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
