"""Turns with all that they need, on whatever transport."""

from __future__ import annotations

from asyncsentry.delivery.compression import Compression
from asyncsentry.delivery.envelope import AT_ONCE, Parcel
from asyncsentry.delivery.exchange import SLICE, Exchange
from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.turns import Turns
from asyncsentry.item import Item, Squeezed
from asyncsentry.transport.protocol import Request, Transport
from delivery.material import Box, Known, event


def pack(lease: Lease) -> Request | Parcel:
    if any(entry.item.payload in (b"unencodable", {"not": "JSON"}) for entry in lease.entries):
        raise ValueError("no JSON")
    body = str([entry.item.id for entry in lease.entries]).encode()
    if any(entry.item.payload == b"large" for entry in lease.entries):
        return Parcel("http://sentry.test/", {}, [body, bytes(AT_ONCE)], Compression("none", lambda _: b"compressed"))
    return Request("http://sentry.test/", {}, body)


class Stage:
    """Turns with all that they need."""

    def __init__(self, transport: Transport[bool], known: Known | None = None, box: Box | None = None) -> None:
        self.box = box or Box()
        self.known = known or Known()
        stages = (self.complete, self.finish)
        exchange = Exchange(self.box.outbox, pack, self.box.clock, stages=stages, squeeze=self.squeeze)
        self.turns = Turns(self.box.outbox, exchange, transport, self.known, self.box.clock)
        self.exchange = exchange
        self.effort = SLICE
        """Seconds that squeezing takes."""
        self.pains = 0.0
        """Seconds that a stage takes."""
        self.passed: list[str] = []
        """The stages that items have come to."""

    def complete(self, item: Item) -> Item:
        if not callable(item.payload):
            return item
        self._pass("complete")
        return item._replace(payload={})

    def finish(self, item: Item) -> Item:
        self._pass("finish")
        if item.payload == {"not": "JSON"}:
            raise ValueError("no JSON")
        return item._replace(payload=b"{}")

    def _pass(self, stage: str) -> None:
        self.box.clock.advance(self.pains)
        self.passed.append(stage)

    def squeeze(self, item: Item) -> Item:
        if item.id == event(13).id:
            raise ValueError("no JSON")
        self.box.clock.advance(self.effort)
        return item._replace(payload=Squeezed(b""))

    def capture(self, number: int = 1) -> None:
        self.box.put(event(number))
        self.turns.arm()
