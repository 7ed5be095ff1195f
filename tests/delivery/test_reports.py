"""What a server is told of the losses, over many answers of every kind."""

from __future__ import annotations

import random
from typing import Final

from asyncsentry.delivery.compression import compression
from asyncsentry.delivery.envelope import Packer
from asyncsentry.delivery.exchange import Exchange
from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.losses import Counts
from asyncsentry.events.trimming import Trimming
from asyncsentry.testing import Answer, LocalSentry, Reset
from asyncsentry.testing.answers import Reply
from asyncsentry.transport.protocol import NoResponse, Request, Response
from delivery.delivering import Delivery
from delivery.material import HERE, REFUSED, Box, event

TAKEN: Final = (Answer(), Reset("answer"))
"""In the second of these the client does not get to know it."""
UNCERTAIN: Final = (Reset("start"), Reset("request"), Answer(503))
"""Here the server may have counted what it got, for all that the client can see."""
NOT_COUNTED: Final = (Answer(500), Answer(413), None)
"""The last of these is no server at all."""
REPLIES: Final[tuple[Reply | None, ...]] = (*(Answer(),) * 6, *TAKEN, *UNCERTAIN, *NOT_COUNTED)


class Talk:
    """Sends what a box holds, each envelope on a connection of its own, and notes what became of the losses in it."""

    def __init__(self, delivery: Delivery, box: Box) -> None:
        headers = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={'a' * 32}"}
        encode = Packer(delivery.sentry.url, headers, {"name": "tests"}, dict, Trimming, compression(0))
        self._exchange = Exchange(box.outbox, encode, box.clock)
        self._delivery = delivery
        self._box = box
        self.told, self.silent, self.kept = Counts(), Counts(), Counts()

    def go_on(self, reply: Reply | None) -> bool:
        """Wait until the next envelope may go, and send it; False if there is none to come."""
        seconds = self._box.due()
        if seconds is None:
            return False
        self._box.clock.advance(seconds)
        work = self._exchange.begin(HERE)
        if work is not None:
            lease, request = work
            assert isinstance(request, Request)
            self._exchange.end(lease, self._outcome(request, reply))
            self._fate(lease, reply).update(lease.losses)
        return True

    def _outcome(self, request: Request, reply: Reply | None) -> Response | NoResponse:
        if reply is None:
            return REFUSED
        self._delivery.sentry.answer(reply)
        return self._delivery.post(request)

    def _fate(self, lease: Lease, reply: Reply | None) -> Counts:
        if reply in TAKEN:
            return self.told
        if reply in UNCERTAIN or (reply == Answer(413) and not lease.entries):  # alone, it would be refused for ever
            return self.silent
        return self.kept


def test_each_loss_is_told_once_but_for_those_whose_report_may_have_arrived(delivery: Delivery) -> None:
    chance, box = random.Random(1), Box(bytes=10**6)
    talk = Talk(delivery, box)
    for number in range(400):
        if chance.random() < 0.7:
            box.put(event(number))
        if chance.random() < 0.5:
            box.losses.add("sample_rate", "error", chance.randrange(1, 4))
        talk.go_on(chance.choice(REPLIES))
    while talk.go_on(chance.choice(REPLIES)):
        pass
    assert reported(delivery.sentry) == talk.told
    assert talk.told + talk.silent == box.losses.total()
    assert talk.told.keys() == {("sample_rate", "error"), ("send_error", "error")}
    assert min(talk.told.total(), talk.silent.total(), talk.kept.total()) > 50, "nothing much was tried"


def reported(sentry: LocalSentry) -> Counts:
    """All that the server was told of, as often as it was."""
    counts = Counts()
    for report in sentry.client_reports:
        for row in report["discarded_events"]:
            counts[row["reason"], row["category"]] += row["quantity"]
    return counts
