"""What goes wrong, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from asyncsentry.testing import Answer, Hang, Reset
from asyncsentry.testing.answers import Reply

ASYNCIO: Final = ("asyncio", "uvloop")
THREADS_AND_ASYNCIO: Final = ("thread", *ASYNCIO)
WITHOUT_REACTOR: Final = (*THREADS_AND_ASYNCIO, "gevent", "eventlet", "trio")
"""Where work may be run more than once, and raises what it raises."""
BLOCKING: Final = ("urllib", "requests")
"""The transports with which a capture waits for the server."""


TAKES: Final = Answer()
SLOWLY: Final = Answer(delay=0.1)
PATIENT: Final[Mapping[str, object]] = {"shutdown_timeout": 20.0}


@dataclass(frozen=True)
class Row:
    """Of the errors of a whole program, all its processes together: how many were captured, received, received once
    more under the same id (at the most), and counted as not delivered, or as perhaps not; of how many of the latter the
    server was told, in client reports that it took before the program's end."""

    captured: int
    received: int
    duplicated: int = 0
    counted: int = 0
    told: int = 0


@dataclass(frozen=True)
class Case:
    """A function of `faults.program`, what the server does meanwhile, and what comes of it.

    ``first`` is a function that has run in a process of its own before, and was killed in it. ``replies`` are the
    server's first, ``always`` all others. ``interlude`` happens in the middle of the program: the connections are
    dropped, a server starts that was not there before, or none ever does. ``status`` is the program's exit status.
    """

    told: str
    """What happens, in the documentation's words."""
    program: str
    row: Row
    first: str = ""
    replies: tuple[Reply, ...] = ()
    always: Reply = TAKES
    interlude: Literal["drop", "start", "absent"] | None = None
    options: Mapping[str, object] = field(default_factory=lambda: PATIENT)
    places: tuple[str, ...] | None = None
    """Where it can happen; None: anywhere."""
    besides: tuple[str, ...] = ()
    """The transports with which it cannot happen."""
    status: int = 0


HURRIED: Final = {"timeout": 0.3, "shutdown_timeout": 0.5}
ONE_BY_ONE: Final = {"max_in_flight": 1, **PATIENT}

CASES: Final[Mapping[str, Case]] = {
    # -- the program's own life
    "end": Case("the program ends right after 20 captures", "at_once", Row(20, 20)),
    "slow": Case(
        "the same, and the server takes 0.1 s for each",
        "at_once",
        Row(20, 20),
        always=SLOWLY,
    ),
    "burst": Case("2,000 captures at once", "burst", Row(2000, 2000), options={"shutdown_timeout": 45.0}),
    "crash": Case("the program crashes", "crash", Row(4, 4), places=WITHOUT_REACTOR, status=1),
    "threads": Case("eight threads capture", "threads", Row(200, 200)),
    "runs": Case(
        "captures before, in, between and after three runs of a loop",
        "runs",
        Row(16, 16),
        places=WITHOUT_REACTOR,
    ),
    "second thread": Case(
        "a second thread, with a loop of its own, beside the main thread and after it",
        "second_thread",
        Row(6, 6),
        places=THREADS_AND_ASYNCIO,
    ),
    "last words": Case("captures in functions that `atexit` calls", "last_words", Row(3, 3)),
    "interrupt": Case("Ctrl-C", "interrupted", Row(6, 6), places=WITHOUT_REACTOR),
    "sigterm": Case(
        "SIGTERM, with `flush_on_sigterm`",
        "terminated",
        Row(5, 5),
        options={"flush_on_sigterm": True, **PATIENT},
        places=WITHOUT_REACTOR,
        status=-15,
    ),
    "cancelled": Case("captures in the `finally` of cancelled tasks", "cancelled", Row(6, 6), places=ASYNCIO),
    "closed": Case(
        "a loop is closed with requests in flight",
        "closed",
        Row(4, 4, 3),
        always=SLOWLY,
        places=ASYNCIO,
    ),
    "forks": Case("three forks in the middle of the work", "forks", Row(15, 15)),
    "processes": Case(
        "three children of `multiprocessing`, forked",
        "processes",
        Row(9, 9),
        places=THREADS_AND_ASYNCIO,
    ),
    "spawned": Case("the same, spawned", "spawned", Row(9, 9), places=THREADS_AND_ASYNCIO),
    "pool": Case("six jobs in a pool of processes", "pool", Row(9, 9), places=THREADS_AND_ASYNCIO),
    # -- the network and the server
    "reset": Case(
        "three connections are reset before the request was read",
        "a_few",
        Row(5, 5),
        replies=(Reset("start"),) * 3,
    ),
    "reset later": Case(
        "three connections are reset after the request was read",
        "a_few",
        Row(5, 5),
        replies=(Reset("request"),) * 3,
    ),
    "reset in the answer": Case(
        "a connection is reset in the middle of the answer",
        "a_few",
        Row(5, 5, 1),
        replies=(Reset("answer"),),
    ),
    "idle": Case("the server closes its idle connections", "idleness", Row(5, 5), interlude="drop"),
    "late": Case("the server comes up late", "interlude", Row(5, 5), interlude="start"),
    "restart": Case(
        "with `spool`: `kill -9` while there is no server; then the program starts again, and the server comes up",
        "restart",
        Row(6, 6),
        first="killed",
        interlude="start",
        options={"spool": "spool", **PATIENT},
    ),
    "unavailable": Case("503 three times", "a_few", Row(5, 5), replies=(Answer(503),) * 3),
    "unavailable for a second": Case(
        "503 once, with `Retry-After: 1`",
        "a_few",
        Row(5, 5),
        replies=(Answer(503, headers={"Retry-After": "1"}),),
    ),
    "broken": Case("500 once", "a_few", Row(5, 4, counted=1, told=1), replies=(Answer(500),)),
    "too large": Case("413 once", "a_few", Row(5, 4, counted=1, told=1), replies=(Answer(413),)),
    "limited": Case(
        "429, for an hour",
        "at_once",
        Row(20, 0, counted=20),
        always=Answer(429, {"Retry-After": "3600"}),
        options=ONE_BY_ONE,
    ),
    "limited later": Case(
        "a rate limit that comes with an answer",
        "at_once",
        Row(20, 1, counted=19, told=19),
        replies=(Answer(headers={"X-Sentry-Rate-Limits": "3600:error:key"}),),
        options=ONE_BY_ONE,
    ),
    "down": Case("no server at all", "a_few", Row(5, 0, counted=5), interlude="absent", options=HURRIED),
    "hang": Case("the server hangs", "a_few", Row(5, 0, counted=5), always=Hang(), options=HURRIED),
    "full": Case(
        "the server hangs, and the queue is full",
        "flood",
        Row(1000, 0, counted=1000),
        always=Hang(),
        options={"queue_bytes": 64 * 1024, **HURRIED},
        besides=BLOCKING,
    ),
}
