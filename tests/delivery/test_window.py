"""How many requests are under way at once."""

from __future__ import annotations

import pytest

from asyncsentry.delivery.window import FIRST, Window
from asyncsentry.transport.protocol import NoResponse, Response
from delivery.material import REFUSED, Box, event


def under_way(box: Box) -> int:
    """Lease all that may go; gives how many that were, and settles them."""
    leases = []
    while (lease := box.outbox.next(box.clock(), 1)) is not None:
        leases.append(lease)
    for lease in leases:
        box.settle(lease)
    return len(leases)


def test_it_begins_with_a_few_and_grows_while_more_waits() -> None:
    box = Box(bytes=100_000, in_flight=16)
    box.put(*(event(number) for number in range(100)))
    assert [under_way(box) for _ in range(4)] == [FIRST, 2 * FIRST, 16, 16]


def test_it_does_not_grow_for_nothing() -> None:
    box = Box(in_flight=16)
    for _ in range(50):
        box.put(event())
        box.send()
    box.put(*(event(number) for number in range(10)))
    assert under_way(box) == FIRST


def test_no_more_than_the_user_allows() -> None:
    box = Box(in_flight=2)
    box.put(*(event(number) for number in range(10)))
    assert [under_way(box) for _ in range(2)] == [2, 2]


@pytest.mark.parametrize("outcome", [REFUSED, Response(503, {}), Response(429, {}), Response(413, {})])
def test_what_goes_wrong_takes_it_back(outcome: Response | NoResponse) -> None:
    box = Box(bytes=100_000, in_flight=16)
    box.put(*(event(number) for number in range(100)))
    assert [under_way(box) for _ in range(2)] == [FIRST, 2 * FIRST]
    box.send(outcome)
    box.clock.advance(120.0)  # a back-off or a limit
    box.put(*(event(number) for number in range(100)))
    assert under_way(box) == FIRST


def test_a_success_after_a_failure_makes_it_grow_again() -> None:
    window = Window(6)
    for _ in range(5):
        window.succeed(waiting=True)
    assert window.size == 6
    window.fail()
    window.succeed(waiting=True)
    assert window.size == FIRST + 1
