"""What a server got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from asyncsentry.testing.envelopes import Envelope


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request that was read to its end, or far enough to be refused."""

    method: str
    path: str
    """The request's target as it was sent, with its query if it had one."""
    headers: Mapping[str, str] = field(repr=False)
    """Names are lower-case; of several of one name the values are joined by ``", "``."""
    body: bytes = field(repr=False)
    """The body without its ``Content-Encoding``."""
    raw_body: bytes = field(repr=False)
    """The body as it was sent, its chunks joined."""
    received_at: float
    """When its last byte had been read, in seconds since the epoch."""
    connection: int
    """Which connection it came on: the first one is 1."""
    envelope: Envelope | None
    error: str | None
    """Why it was refused."""
    status: int | None
    """What it was answered with; None for a hang, and for a reset before the answer."""

    @property
    def accepted(self) -> bool:
        """Whether a real server would have stored what is in it."""
        return self.envelope is not None and self.status is not None and 200 <= self.status < 300

    def __str__(self) -> str:
        types = ", ".join(item.type for item in self.envelope.items) if self.envelope else ""
        return f"{self.method} {self.path} -> {self.status or 'no answer'}: {self.error or types or 'no items'}"
