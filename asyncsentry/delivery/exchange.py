"""What a turn and the last resort have in common: the outbox gives a lease, and is told what came of its request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from asyncsentry.delivery.envelope import Parcel
from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.outbox import Outbox
from asyncsentry.delivery.queue import Entry
from asyncsentry.delivery.retry import RETRY_STATUSES
from asyncsentry.item import Item, Squeezed
from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Response

SLICE: Final = 0.0004
"""Seconds after which no further item is squeezed in one go, and what comes next for the one that goes first is left to
another turn; and for which work on an item rests."""

STINT: Final = 0.0008
"""Seconds after which no further piece of that is done in one go."""

logger = logging.getLogger("asyncsentry")


class Exchange:
    """Makes leases into requests, and answers into settled leases. May be used from any thread.

    ``settled`` is called after each answer. ``stages`` give an item, one after the other, the form in which it is sent;
    ``squeeze`` one that takes less room.
    """

    def __init__(
        self,
        outbox: Outbox,
        encode: Callable[[Lease], Request | Parcel],
        now: Callable[[], float],
        settled: Callable[[], object] = bool,
        stages: Sequence[Callable[[Item], Item]] = (),
        squeeze: Callable[[Item], Item] = lambda item: item,
    ) -> None:
        self._outbox = outbox
        self._encode = encode
        self._stages = stages
        self._squeeze = squeeze
        self._now = now
        self._settled = settled
        self._failure: str | None = None
        self._rests_until = now()
        self._heard_at = self._credit_until = now()
        self.refused = 0
        """How many envelopes the server refused for good so far, rate limits included."""

    def prepare(self) -> float | None:
        """Do some of the work on what goes first. Gives the seconds until a turn is to go on; None: this one may send.

        Steps rest in between, as there may be many; the stages after them do not. Only who has done something may leave
        the rest to another turn: else none would ever send it.
        """
        begun = self._now()
        if begun < self._rests_until:  # another turn has just done some
            return SLICE
        entry, worked = self._outbox.first(begun), False
        while entry is not None and _go_on(entry):
            worked = True
            if self._now() >= begun + STINT:
                self._rests_until = self._now() + SLICE
                return SLICE
        if worked and self._now() >= begun + SLICE:
            return 0.0
        for stage in self._stages:
            if entry is not None and self._reshape(entry, stage) and (_step_of(entry) or self._now() >= begun + SLICE):
                return 0.0
        return None

    def _reshape(self, entry: Entry, stage: Callable[[Item], Item]) -> bool:
        """Have an item pass a stage; whether it had not yet, and could."""
        if isinstance(entry.item.payload, bytes | Squeezed):
            return False
        try:
            return self._outbox.reshape(entry, stage)
        except Exception:  # whoever sends it will say so
            logger.debug("an item could not be encoded before it is sent", exc_info=True)
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

    def take(self, lease: Lease, parcel: Parcel) -> Request | None:
        """The request that a lease has become; None, and counted, if there is no memory for it."""
        try:
            return parcel.take()
        except Exception:
            logger.debug("a body could not be put together", exc_info=True)
            self._outbox.spoil(lease, self._now())
            return None

    def rest(self) -> None:
        """Have what has to wait take less room: for a moment, and one item, or a piece of its work, at least."""
        until = self._now() + SLICE
        while (entry := self._outbox.first_loose()) is not None:
            try:
                if not _go_on(entry):
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
        self._note_wait(outcome)
        self._settled()
        _log(outcome)

    def waited_in_vain(self) -> float:
        """For how many seconds a loop that has just ended waited for the server, less what has passed since."""
        return max(0.0, self._credit_until - self._now())

    def _note_wait(self, outcome: Response | NoResponse) -> None:
        now = self._now()
        if isinstance(outcome, Response):
            self._heard_at = self._credit_until = now
        elif isinstance(outcome.error, Cancelled) and outcome.error.waited:
            self._credit_until = now + min(outcome.error.waited, now - self._heard_at)  # others may have heard of it

    def take_failure(self) -> str | None:
        """What went wrong last since this was asked last, in words."""
        failure, self._failure = self._failure, None
        return failure


def _go_on(entry: Entry) -> bool:
    """Do a piece of the work on an item; whether there was one."""
    try:
        step = _step_of(entry)
        return step is not None and bool(step())
    except Exception:  # whoever encodes it will say so
        logger.debug("a piece of the work on an item failed", exc_info=True)
        return False


def _step_of(entry: Entry) -> Callable[[], bool] | None:
    """What does a piece of that work; to ask whether an item is `Stepwise` takes twenty times as long."""
    return getattr(entry.item.payload, "step", None)


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
