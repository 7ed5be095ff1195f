"""How many requests may be under way at once: as many as it takes for the way to the server not to be the limit."""

from __future__ import annotations

from typing import Final

FIRST: Final = 4


class Window:
    """Begins with a few. While more waits, each request that the server takes makes room for one more, up to ``most``;
    a failure, or a refusal, takes all of that back."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = min(FIRST, most)

    def succeed(self, *, waiting: bool) -> None:
        """The server took a request; whether anything waits for its place."""
        if waiting and self.size < self._most:
            self.size += 1

    def fail(self) -> None:
        """The server did not."""
        self.size = min(FIRST, self._most)
