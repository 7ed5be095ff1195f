"""All that brings events to a real server, with a transport of the test's choice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from asyncsentry.delivery.compression import compression
from asyncsentry.delivery.dispatcher import Dispatcher
from asyncsentry.delivery.envelope import Packer
from asyncsentry.delivery.last_resort import Channel
from asyncsentry.delivery.losses import Losses
from asyncsentry.delivery.outbox import Outbox
from asyncsentry.events.trimming import Trimming
from asyncsentry.post import Channel as Connection
from asyncsentry.testing import LocalSentry
from asyncsentry.transport.protocol import NoResponse, Request, Response, Transport
from asyncsentry.transport.settings import Settings
from delivery.material import Known, event, lost

LONG = 15.0
"""Seconds that no flush of these needs."""

TIMEOUT = 5.0


class Delivery:
    """All that brings events to a server; the transports of these tests send through ``post``."""

    def __init__(self, sentry: LocalSentry) -> None:
        self.sentry = sentry
        self.known = Known()
        self.losses = Losses()
        self.opened: list[int] = []
        self.patience = TIMEOUT + 5
        self.settings = Settings(sentry.url, timeout=TIMEOUT)

    def begin(
        self,
        transport: Transport[Any],
        *,
        reports: bool = True,
        timeout: float = TIMEOUT,
        open_channel: Callable[[], Channel] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> Dispatcher:
        outbox = Outbox(
            self.losses,
            queue_bytes=10**6,
            max_in_flight=4,
            patience=timeout + 5,
            wall=time.time,
            send_reports=reports,
        )
        headers = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={'a' * 32}"}
        pack = Packer(self.sentry.url, headers, {"name": "tests"}, dict, Trimming, compression(1))
        return Dispatcher(
            outbox,
            self.losses,
            transport,
            encode=pack,
            stages=(pack.complete, pack.encode),
            squeeze=pack.squeeze,
            open_channel=open_channel or self._open,
            readiness=self.known,
            timeout=timeout,
            now=now,
        )

    def post(self, request: Request) -> Response | NoResponse:
        """One request on a connection of its own: how the transports here send."""
        connection = Connection(self.settings)
        try:
            return connection.post(request, TIMEOUT)
        finally:
            connection.close()

    def lost(self) -> dict[tuple[str, str], int]:
        return lost(self.losses)

    @property
    def arrived(self) -> list[str]:
        return sorted(each["event_id"][-2:] for each in self.sentry.events)

    def _open(self) -> Channel:
        self.opened.append(threading.get_native_id())
        return Connection(self.settings)


def put(dispatcher: Dispatcher, *numbers: int) -> None:
    for number in numbers:
        assert dispatcher.refusal("error") is None
        dispatcher.put(dispatcher.entry(event(number)))


def elsewhere(function: Callable[[], Any]) -> Any:
    """What the function gives in a thread of its own."""
    given = []
    thread = threading.Thread(target=lambda: given.append(function()))
    thread.start()
    thread.join(LONG)
    return given[0]
