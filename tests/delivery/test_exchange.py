"""What the end of a loop has waited for in vain, as the end of the program gets to know it."""

from __future__ import annotations

import pytest

from asyncsentry.delivery.exchange import Exchange
from asyncsentry.delivery.lease import Lease
from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Response
from delivery.material import CANCELLED, LOST, OK, Box, event

WAITED = NoResponse(Cancelled("the loop has ended", waited=1.5), sent=True)


class Loop:
    """One that has so many requests under way."""

    def __init__(self, requests: int = 3) -> None:
        self.box = Box()
        self.exchange = Exchange(self.box.outbox, lambda _: Request("http://sentry.test/", {}, b""), self.box.clock)
        self.leases: list[Lease] = []
        for number in range(requests):
            self.box.put(event(number))
            self.leases.append(self.box.next())
        self.box.clock.advance(10.0)

    def end(self, outcome: Response | NoResponse) -> None:
        self.exchange.end(self.leases.pop(), outcome)


def test_what_has_passed_since_then_need_not_be_waited_for() -> None:
    loop = Loop()
    assert loop.exchange.waited_in_vain() == 0
    loop.end(WAITED)
    assert loop.exchange.waited_in_vain() == pytest.approx(1.5)
    loop.box.clock.advance(0.5)
    assert loop.exchange.waited_in_vain() == pytest.approx(1.0)
    loop.box.clock.advance(60.0)
    assert loop.exchange.waited_in_vain() == 0


def test_a_server_that_answers_after_all_is_waited_for() -> None:
    loop = Loop()
    loop.end(WAITED)
    loop.end(OK)
    assert loop.exchange.waited_in_vain() == 0


def test_what_others_have_heard_of_the_server_counts() -> None:
    loop = Loop()
    loop.end(OK)
    loop.box.clock.advance(0.25)
    loop.end(WAITED)
    assert loop.exchange.waited_in_vain() == pytest.approx(0.25)


@pytest.mark.parametrize("outcome", [CANCELLED, LOST])
def test_whoever_has_not_waited_says_nothing_of_it(outcome: NoResponse) -> None:
    loop = Loop()
    loop.end(WAITED)
    loop.end(outcome)
    assert loop.exchange.waited_in_vain() == pytest.approx(1.5)
