"""Where a transport is tried: with a server, in its habitat."""

from __future__ import annotations

from typing import Any

from asyncsentry.client import Client
from asyncsentry.testing.habitats import PATIENCE, Habitat
from asyncsentry.testing.server import LocalSentry
from asyncsentry.transport.protocol import Factory


class Bench:
    """One transport in its habitat, and a server.

    ``waits``: captures of this style wait for the server. ``reuses``: a connection carries more than one request.
    """

    def __init__(self, factory: Factory[Any], habitat: Habitat, *, waits: bool = False, reuses: bool = True) -> None:
        self.factory = factory
        self.habitat = habitat
        self.waits = waits
        self.reuses = reuses
        self.sentry = LocalSentry()
        self._clients: list[Client[Any]] = []

    def client(self, sentry: LocalSentry | None = None, **options: Any) -> Client[Any]:
        client: Client[Any] = Client((sentry or self.sentry).dsn, transport=self.factory, **options)
        self._clients.append(client)
        return client

    def capture(self, client: Client[Any], *messages: str) -> None:
        """Capture in the habitat, one message after the other."""
        for message in messages:
            self.habitat.call(lambda message=message: client.capture_message(message))  # type: ignore[misc]

    def settle(self, client: Client[Any]) -> None:
        """Wait, away from home, until all that was captured is settled there."""
        assert client.flush(PATIENCE), "not everything was settled"

    def arrived(self, count: int) -> list[str]:
        """The messages on the server, when there are as many."""
        return [event["logentry"]["formatted"] for event in self.sentry.wait_for_events(count, PATIENCE)]

    def close(self) -> None:
        for client in self._clients:
            client.close(0.0)
        self.sentry.stop()
