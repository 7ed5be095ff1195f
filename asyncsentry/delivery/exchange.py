"""What a turn and the last resort have in common: the outbox gives a lease, and is told what came of its request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from asyncsentry.delivery.envelope import Parcel
from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.outbox import Outbox
from asyncsentry.delivery.retry import RETRY_STATUSES
from asyncsentry.item import Item, Stepwise
from asyncsentry.transport.protocol import NoResponse, Request, Response

SLICE: Final = 0.0005
"""Seconds after which no further item is squeezed in one go; and for which work on an item rests."""

STINT: Final = 0.001
"""Seconds after which no further piece of that is done in one go."""

logger = logging.getLogger("asyncsentry")


class Exchange:
    """Makes leases into requests, and answers into settled leases. May be used from any thread.

    ``settled`` is called after each answer; ``squeeze`` gives an item a form that takes less room.
    """

    def __init__(
        self,
        outbox: Outbox,
        encode: Callable[[Lease], Request | Parcel],
        now: Callable[[], float],
        settled: Callable[[], object] = bool,
        squeeze: Callable[[Item], Item] = lambda item: item,
    ) -> None:
        self._outbox = outbox
        self._encode = encode
        self._squeeze = squeeze
        self._now = now
        self._settled = settled
        self._failure: str | None = None
        self._rests_until = now()
        self.refused = 0
        """How many envelopes the server refused for good so far, rate limits included."""

    def prepare(self) -> bool:
        """Do some of the work on what goes first; whether there is more of it, for a turn that is a `SLICE` later."""
        now = self._now()
        if now < self._rests_until:  # another turn has just done some
            return True
        while _go_on(self._outbox.first(now)):
            if self._now() >= now + STINT:
                self._rests_until = self._now() + SLICE
                return True
        return False

    def begin(self, thread: int, *, hurry: bool = False) -> tuple[Lease, Request | Parcel] | None:
        """What is to be sent now, by ``thread``. What cannot be encoded is counted, and is no reason to stop."""
        while (lease := self._outbox.next(self._now(), thread, hurry=hurry)) is not None:
            try:
                return lease, self._encode(lease)
            except Exception:
                logger.debug("an item could not be encoded", exc_info=True)
                self._outbox.spoil(lease, self._now())
        return None

    def rest(self) -> None:
        """Have what has to wait take less room: for a moment, and one item, or a piece of its work, at least."""
        until = self._now() + SLICE
        while (item := self._outbox.first_loose()) is not None:
            try:
                if not _go_on(item):
                    self._outbox.squeeze_one(self._squeeze)
            except Exception:  # its own turn will say so
                logger.debug("an item could not be squeezed", exc_info=True)
            if self._now() >= until:
                break

    def end(self, lease: Lease, outcome: Response | NoResponse) -> None:
        """Settle the lease; what was wrong is kept, and logged last, as logging calls foreign code."""
        if isinstance(outcome, NoResponse):
            self._failure = f"no answer: {outcome.error!r}"
        elif outcome.status >= 300:
            self._failure = f"status {outcome.status}: {_reason(outcome)}"
            self.refused += outcome.status not in RETRY_STATUSES
        self._outbox.settle(lease, outcome, self._now())
        self._settled()
        _log(outcome)

    def take_failure(self) -> str | None:
        """What went wrong last since this was asked last, in words."""
        failure, self._failure = self._failure, None
        return failure


def _go_on(item: Item | None) -> bool:
    payload = None if item is None else item.payload
    try:
        return isinstance(payload, Stepwise) and payload.step()
    except Exception:  # whoever encodes it will say so
        logger.debug("a piece of the work on an item failed", exc_info=True)
        return False


def _reason(answer: Response) -> str:
    """What the server says, on one line: it has no say in what else a log holds, or in what a terminal does."""
    said = answer.headers.get("x-sentry-error") or answer.body.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in said).strip()


def _log(outcome: Response | NoResponse) -> None:
    if isinstance(outcome, NoResponse):
        logger.debug("an envelope got no answer: %r", outcome.error)
    elif outcome.status >= 300:
        level = logging.ERROR if outcome.status == 413 else logging.DEBUG
        logger.log(level, "the server refused an envelope with status %d: %s", outcome.status, _reason(outcome))
