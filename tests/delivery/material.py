"""What the tests of delivery are made of: a clock to set, items, and outboxes."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.losses import Losses
from asyncsentry.delivery.outbox import Outbox
from asyncsentry.delivery.retry import Backoff
from asyncsentry.item import Attachment, Category, Item
from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Response

HERE = 1
ELSEWHERE = 2
WALL = 1_700_000_000.0
PATIENCE = 10.0

OK = Response(200, {})
REFUSED = NoResponse(ConnectionRefusedError(), sent=False)
LOST = NoResponse(ConnectionResetError(), sent=True)
CANCELLED = NoResponse(Cancelled(), sent=True)
UNSENT_CANCELLED = NoResponse(Cancelled(), sent=False)

TYPES: dict[Category, str] = {"error": "event", "session": "session", "transaction": "transaction", "log_item": "log"}


@dataclass
class Clock:
    """Seconds that pass only when they are told to."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Known:
    """What is to be known, how long somebody waited for it, and what is to be done besides, which nobody does."""

    known: bool = True
    asked: int = 0
    waited: list[float] = field(default_factory=list)
    steps: list[Callable[[], None]] = field(default_factory=list)

    def expect(self, steps: Iterable[Callable[[], None]]) -> None:
        self.steps.extend(steps)

    def find_out(self) -> None:
        self.asked += 1

    def wait(self, timeout: float) -> None:
        self.waited.append(timeout)


def event(number: int = 1, *, weight: int = 100, attachments: tuple[Attachment, ...] = ()) -> Item:
    id = f"{number:032x}"
    return Item("event", "error", {"event_id": id}, weight, id, attachments)


def session(number: int = 1, *, weight: int = 100) -> Item:
    return Item("session", "session", {"sid": str(number)}, weight)


def other(category: Category, *, weight: int = 100) -> Item:
    return Item(TYPES[category], category, {}, weight)


class Box:
    """An outbox with its clock and its losses; every call is made at the clock's time."""

    def __init__(
        self,
        *,
        bytes: int = 10_000,
        in_flight: int = 4,
        reports: bool = True,
        jitter: float = 1.0,
        spooling: bool = False,
    ) -> None:
        self.clock = Clock()
        self.losses = Losses()
        self.outbox = Outbox(
            self.losses,
            queue_bytes=bytes,
            max_in_flight=in_flight,
            patience=PATIENCE,
            wall=lambda: WALL,
            send_reports=reports,
            backoff=Backoff(lambda: jitter),
            spooling=spooling,
        )

    def put(self, *items: Item) -> None:
        for item in items:
            self.outbox.put(self.outbox.entry(item, self.clock()))

    def next(self, thread: int = HERE, *, hurry: bool = False) -> Lease:
        lease = self.outbox.next(self.clock(), thread, hurry=hurry)
        assert lease is not None, "nothing to send"
        return lease

    def rests(self) -> bool:
        return self.outbox.next(self.clock(), HERE) is None

    def settle(self, lease: Lease, outcome: Response | NoResponse = OK) -> None:
        self.outbox.settle(lease, outcome, self.clock())

    def send(self, outcome: Response | NoResponse = OK) -> tuple[Item, ...]:
        """Lease and settle; gives what was on the way."""
        lease = self.next()
        self.settle(lease, outcome)
        return items(lease)

    def due(self) -> float | None:
        return self.outbox.due(self.clock())

    def idle(self) -> Any:
        return self.outbox.idle(self.clock())

    def lost(self) -> dict[tuple[str, str], int]:
        return lost(self.losses)


def items(lease: Lease) -> tuple[Item, ...]:
    return tuple(entry.item for entry in lease.entries)


def lost(losses: Losses) -> dict[tuple[str, str], int]:
    """All that was lost, by reason and category."""
    return {(reason, category): quantity for (reason, category), quantity in losses.total().items()}


def limits(header: str, status: int = 200) -> Response:
    return Response(status, {"x-sentry-rate-limits": header})


def body(request: Request) -> bytes:
    """What the request carries, decompressed."""
    return zlib.decompress(request.body, 16 + zlib.MAX_WBITS)


@contextmanager
def no_more_threads() -> Iterator[None]:
    """As at the end of the interpreter: starting one fails, here because its stack would need more than there is."""
    usual = threading.stack_size(1 << 46)
    try:
        yield
    finally:
        threading.stack_size(usual)
