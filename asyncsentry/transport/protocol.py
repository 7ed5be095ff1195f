"""The whole manual of a transport's author: four verbs, three values.

The core decides what is sent, when, and what an answer means; a transport delivers in its own style of concurrency.
Capturing has no colour: it happens in an ``except``, in a logging handler, in a finalizer, in any thread. Only waiting
has one, so it alone is a type parameter.

A transport is made by a `Factory` from `Settings`, once for each client. Making it starts nothing: loop, hub or
reactor are found at the first turn, and a transport whose loop has ended binds to the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from asyncsentry.transport.settings import Settings

Wait_co = TypeVar("Wait_co", covariant=True)
"""What waiting gives in a transport's style: ``bool``, ``Awaitable[bool]``, ``Deferred[bool]`` …"""


@dataclass(frozen=True, slots=True)
class Request:
    """One POST. ``headers`` are complete but for ``Host``, ``Content-Length`` and ``Connection``."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """The server's answer, whatever its status: redirects are answers too and are not followed.

    ``headers`` have lower-case names; of several of one name, the values are joined by ``", "``. ``body`` is at most
    the first `BODY_LIMIT` bytes: it is only read for a refusal's reason.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)


BODY_LIMIT = 4096
"""How much of an answer's body a transport keeps, in bytes."""

WRITE_SIZE = 64 * 1024
"""How much of a request to write at once, in bytes: a large one must not hold a loop for long, in TLS least of all."""


@dataclass(frozen=True, slots=True)
class NoResponse:
    """No answer came. ``sent`` is False only if surely no part of the request left this machine.

    A send that was cancelled, or whose loop died, has a `Cancelled` error: it is sent again without a back-off.
    """

    error: BaseException
    sent: bool


class Cancelled(Exception):
    """The send ended because its loop, task or transport did: nobody failed.

    ``waited``: for how many seconds that end has just waited for the server without hearing anything. If the program
    ends next, it does not wait for them again.
    """

    waited: float = 0.0

    def __init__(self, *reason: object, waited: float = 0.0) -> None:
        super().__init__(*reason)
        self.waited = waited


Settle = Callable[[Response | NoResponse], None]
Turn = Callable[[], None]


class Transport(Protocol[Wait_co]):
    """Delivers requests in one style of concurrency."""

    def later(self, delay: float, turn: Turn, /) -> bool:
        """Run ``turn`` once, in your style, about ``delay`` seconds from now.

        The only verb that must be callable from any thread, signal handler or finalizer: take no lock that your own
        code may hold, and do not wait. False means that there is nowhere to run it now (no loop yet, or no timers in
        this style); the core asks again. A pending turn never keeps a loop, hub or reactor alive.
        """
        ...

    def send(self, request: Request, settle: Settle, /) -> None:
        """Start to send, and return; called only inside a turn.

        Call ``settle`` exactly once for each send, also when it is cancelled (from a done-callback: a task that is
        cancelled before its first step never enters its own ``try``).
        """
        ...

    def wait(self, idle: Future[None], timeout: float, /) -> Wait_co:
        """Wait in your style until ``idle`` is done: True, or False after ``timeout`` seconds.

        Never cancel ``idle``. What this and ``close`` give may be dropped unawaited, without a warning.
        """
        ...

    def close(self, idle: Future[None], timeout: float, /) -> Wait_co:
        """`wait`, then end what you started: no thread, task, socket or timer of yours is left.

        It begins with the call, and goes on whether or not anybody waits for what it gives. What is still in flight
        then is settled with `Cancelled`. Later verbs are harmless: ``later`` gives False.
        """
        ...


Factory = Callable[[Settings], Transport[Wait_co]]
"""Makes a transport from settings: a transport's class, usually. It raises `SetupError` for what it cannot honour."""
