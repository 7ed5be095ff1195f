"""How a server says no."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """The status and the reason that a request is refused with; its text is the reason."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = dict(headers or {})


class MalformedEnvelope(Refusal, ValueError):
    """An envelope that Relay would not take, or not keep: 400 for what it says, 413 for how much there is of it."""
