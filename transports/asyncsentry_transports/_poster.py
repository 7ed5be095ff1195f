"""What the styles that block send with."""

from __future__ import annotations

from typing import Protocol

from asyncsentry.transport.protocol import NoResponse, Request, Response


class Poster(Protocol):
    """One connection, kept alive between posts, for one thread at a time."""

    def post(self, request: Request, timeout: float, /) -> Response | NoResponse:
        """Send, and give the answer, all of it within ``timeout`` seconds."""
        ...

    def abort(self) -> None:
        """End the post that another thread is in, as far as it can be ended."""
        ...

    def close(self) -> None:
        """Close the connection; the next post opens another."""
        ...
