"""An event that is about to leave: what its texts say of secrets is hidden, bit by bit if there is much of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsentry.events import Event
from asyncsentry.events.packing import Packed, unpack
from asyncsentry.events.scrubbing import SecretNames
from asyncsentry.events.seen import Seen

if TYPE_CHECKING:
    from asyncsentry.events.hiding import Hiding


class Leaving:
    """Made at the capture, and called when the event is sent: it gives what is sent.

    Several threads may do so at once, and each gets all of it.
    """

    __slots__ = ("_hiding", "_kept", "_names")

    def __init__(self, kept: tuple[Event, Seen] | Packed, names: SecretNames) -> None:
        """``kept``: the event, with what there was to be seen in its variables."""
        self._kept = kept
        self._names = names
        self._hiding: Hiding | None = None

    def step(self) -> bool:
        """Find out which texts there are, then search some of them for secrets; whether there may be more to do."""
        hiding = self._hiding
        if hiding is None:
            self._begun()
            return True
        return hiding.step()

    def __call__(self) -> Event:
        event = self._begun().finish()
        self._hiding = None  # it is as large as the event
        return event

    def _begun(self) -> Hiding:
        hiding = self._hiding
        if hiding is None:
            from asyncsentry.events.hiding import Hiding  # not before an event is sent: it takes a while to load

            kept = self._kept
            event, seen = unpack(kept) if isinstance(kept, Packed) else kept
            hiding = self._hiding = Hiding(event, self._names, seen)
        return hiding
