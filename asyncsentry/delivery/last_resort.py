"""The last resort: what is left is sent from the calling thread, blocking."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, TimeoutError as FutureTimeoutError
from threading import get_native_id
from typing import Final, Protocol

from asyncsentry.delivery.envelope import Parcel
from asyncsentry.delivery.exchange import Exchange
from asyncsentry.delivery.outbox import Outbox
from asyncsentry.delivery.retry import RETRY_STATUSES
from asyncsentry.transport.protocol import NoResponse, Request, Response

SHORTEST_PAUSE: Final = 0.01
LONGEST_PAUSE: Final = 0.1
"""Seconds between two looks at whether there is something to send: other threads settle and retry meanwhile."""

logger = logging.getLogger("asyncsentry")


class Channel(Protocol):
    """The blocking sender. Making one opens nothing."""

    def post(self, request: Request, timeout: float) -> Response | NoResponse: ...
    def close(self) -> None: ...


class LastResort:
    """Sends what an outbox holds, without a transport. ``timeout``: seconds for one request."""

    def __init__(
        self,
        outbox: Outbox,
        exchange: Exchange,
        open_channel: Callable[[], Channel],
        timeout: float,
        now: Callable[[], float],
    ) -> None:
        self._outbox = outbox
        self._exchange = exchange
        self._open_channel = open_channel
        self._timeout = timeout
        self._now = now

    def drain(self, idle: Future[None], deadline: float, *, hurry: bool, patient: bool) -> bool:
        """Send until ``idle``, until the deadline, or until nothing may go: then ``patient`` waits until something may.

        A server that is there, if only to fail, is tried again in any case, if that is to come before the deadline. In
        a ``hurry`` no back-off is waited for until the server fails once more; gives whether it has not.
        """
        there = False
        try:
            channel = self._open_channel()
        except Exception:  # a certificate's file that is gone by now, an import while the interpreter ends
            logger.debug("nothing can be sent from this thread", exc_info=True)
            return False
        try:
            while not idle.done() and self._left(deadline) > 0:
                work = self._exchange.begin(get_native_id(), hurry=hurry)
                if work is not None:
                    lease, request = work
                    if isinstance(request, Parcel):
                        request.compress()
                        taken = self._exchange.take(lease, request)
                        if taken is None:
                            continue
                        request = taken
                    outcome = channel.post(request, min(self._timeout, self._left(deadline)))
                    self._exchange.end(lease, outcome)
                    hurry = isinstance(outcome, Response) and outcome.status not in RETRY_STATUSES
                    there = isinstance(outcome, Response) or outcome.sent
                elif not self._pause(idle, deadline, patient=patient, there=there):
                    break
        finally:
            channel.close()
        return hurry

    def _pause(self, idle: Future[None], deadline: float, *, patient: bool, there: bool) -> bool:
        """Wait a little for something to send; False if that is too long to wait for."""
        seconds = self._outbox.due(self._now())
        longest = self._left(deadline) if there else 0.0
        if seconds is None or (seconds > longest and not patient):
            return False
        opens(idle, min(self._left(deadline), max(SHORTEST_PAUSE, min(seconds, LONGEST_PAUSE))))
        return True

    def _left(self, deadline: float) -> float:
        return deadline - self._now()


def opens(idle: Future[None], timeout: float) -> bool:
    """Wait, blocking, for a latch to open; False if it does not within ``timeout`` seconds."""
    try:
        idle.result(max(0.0, timeout))
    except FutureTimeoutError:
        return False
    return True
