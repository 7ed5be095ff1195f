"""What becomes of one send, said once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from asyncsentry.transport.protocol import Cancelled, NoResponse, Response, Settle
from asyncsentry_transports._turns import run


class Flight:
    """One send on its way: settles once, whoever comes first."""

    def __init__(self, flights: dict[Flight, Settle], landed: Callable[[], None]) -> None:
        self.sent = False
        """Whether part of the request may have left."""
        self._flights = flights
        self._landed = landed

    @property
    def settled(self) -> bool:
        return self not in self._flights

    def settle(self, outcome: Response | NoResponse) -> None:
        settle = self._flights.pop(self, None)
        if settle is not None:
            run(partial(settle, outcome))
            self._landed()

    def cancel(self, reason: str, waited: float = 0.0) -> None:
        self.settle(NoResponse(Cancelled(reason, waited=waited), self.sent))

    def fail(self, error: BaseException) -> None:
        self.settle(NoResponse(error, self.sent))
