"""What a server can be told to do with a request."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, late or slow if told so.

    ``delay`` is the seconds before its first byte, ``slow_body`` those that its body takes in all. Without a ``body``
    it is what Sentry would say. ``headers`` win over those that a server adds. Where they have ``Transfer-Encoding``,
    ``Content-Length`` is not added, and ``body`` has to be encoded already.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay: float = 0.0
    slow_body: float = 0.0


@dataclass(frozen=True, slots=True)
class Hang:
    """Read the request, and say nothing until the client leaves or the server stops."""

    status: ClassVar[None] = None


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the TCP connection, as a crashing server does.

    At the ``"start"`` of the request, before reading it; after the ``"request"`` has been read; or in the middle of the
    ``"answer"``, when the server has taken what it got.
    """

    when: Literal["start", "request", "answer"] = "request"

    @property
    def status(self) -> int | None:
        return 200 if self.when == "answer" else None


Reply = Answer | Hang | Reset


class Script:
    """The replies to come: those queued, one a request, and then always the same.

    A deque needs no lock for this.
    """

    def __init__(self) -> None:
        self._next: deque[Reply] = deque()
        self.default: Reply = Answer()

    def queue(self, *replies: Reply) -> None:
        self._next.extend(replies)

    def take(self) -> Reply:
        try:
            return self._next.popleft()
        except IndexError:
            return self.default
