"""What is waiting to be delivered: one frozen thing, of known kind and weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

Category = Literal["error", "transaction", "session", "attachment", "monitor", "log_item", "trace_metric", "internal"]
"""What rate limits and client reports count by: Sentry's data categories, as far as an SDK sends them."""

PRIORITY: Final[Mapping[Category, int]] = {
    "error": 0,
    "attachment": 0,
    "monitor": 0,
    "session": 1,
    "internal": 1,
    "transaction": 2,
    "log_item": 3,
    "trace_metric": 3,
}
"""Who gives way when the queue is full: an item evicts only from a class of a higher number."""

PRIORITIES: Final = 1 + max(PRIORITY.values())


EVENT_LIMIT: Final = 1024 * 1024
"""Bytes of JSON: a server refuses a larger event as a whole."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that travels with its event. ``filename`` has no folder in it."""

    data: bytes = field(repr=False)
    filename: str
    content_type: str = "application/octet-stream"


class Gap(Protocol):
    """What a payload has room for, and is not known yet."""

    @property
    def find_out(self) -> Callable[[], None]:
        """Finds it out: that may mean to wait for a disk. By any thread, and by several. Holds nothing of the item."""
        ...

    def fill(self) -> bool:
        """Put it in its place, if it is known; whether it is. Never waits."""
        ...


class Squeezed(NamedTuple):
    """A payload while it has to wait: JSON, compressed by `zlib`."""

    data: bytes


class Stepwise(Protocol):
    """What gives plain data, and may do so bit by bit, so that no turn takes long. By any thread, and by several."""

    def step(self) -> bool:
        """Do a piece of the work; whether there may be more of it."""
        ...

    def __call__(self) -> Mapping[str, object]:
        """Do the rest of it."""
        ...


Payload: TypeAlias = Mapping[str, object] | Callable[[], Mapping[str, object]] | Stepwise | bytes | Squeezed
"""Plain JSON-able data, or what gives that, or bytes that are sent as they are, or those bytes squeezed."""


# A tuple, and no dataclass: one is made for each event, in a third of the time.
class Item(NamedTuple):
    """One thing to deliver. Nothing in it may change any more, but for its gaps.

    ``weight`` is about what it holds in memory, in bytes, attachments included. ``id`` is the event id of what carries
    one (an event, a transaction, a check-in): that is safe to send again after an unknown outcome, because the server
    knows it by its id. ``late`` names fields of the payload that were not known yet when it was made, ``gaps`` are
    places in it that were not: they are added when it is encoded, as far as they are known then.
    """

    type: str
    category: Category
    payload: Payload
    weight: int
    id: str | None = None
    attachments: tuple[Attachment, ...] = ()
    trace: Mapping[str, str] | None = None
    late: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def __repr__(self) -> str:
        """Without what is in it, which is nobody's business."""
        return f"<{self.type} {self.id}, {self.weight} bytes>"
