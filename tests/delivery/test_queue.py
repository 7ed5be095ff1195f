"""Bounded in bytes, by priority, and never slower for being full."""

from __future__ import annotations

from asyncsentry.delivery.queue import Entry, Queue
from asyncsentry.item import Category, Item, Squeezed
from delivery.material import event, other, session

NUMBERS = iter(range(1, 10**9))


def entry(item: Item) -> Entry:
    return Entry(item, next(NUMBERS), born=0.0)


def fill(queue: Queue, *items: Item) -> list[Entry]:
    entries = [entry(item) for item in items]
    for each in entries:
        assert queue.append(each) == []
    return entries


def pop(queue: Queue) -> Entry | None:
    first = queue.first()
    if first is not None:
        queue.discard(first)
    return first


def drain(queue: Queue) -> list[Entry]:
    popped = []
    while (each := pop(queue)) is not None:
        popped.append(each)
    return popped


def test_the_important_comes_first_and_then_the_oldest() -> None:
    queue = Queue(10_000)
    log, first, update, second, trace = fill(
        queue, other("log_item"), event(1), session(), event(2), other("transaction")
    )
    assert len(queue) == 5
    assert drain(queue) == [first, second, update, trace, log]
    assert (len(queue), queue.weight) == (0, 0)


def test_what_is_put_back_is_at_the_head() -> None:
    queue = Queue(200)
    first, second = fill(queue, event(1), event(2))
    assert pop(queue) is first
    queue.append(entry(event(3)))
    queue.put_back(first)  # beyond the bound: it was counted in before
    assert queue.weight == 300
    assert drain(queue)[:2] == [first, second]


def test_an_item_evicts_the_lowest_then_the_oldest() -> None:
    queue = Queue(400)
    trace, old_log, log, update = fill(queue, other("transaction"), other("log_item"), other("log_item"), session())
    assert queue.append(entry(event(1, weight=50))) == [old_log]
    assert queue.append(entry(event(2))) == [log]
    assert queue.append(entry(event(3))) == [trace]
    assert queue.append(entry(event(4))) == [update]
    assert queue.weight == 350


def test_an_item_is_refused_by_its_own_class_and_by_higher_ones() -> None:
    queue = Queue(200)
    fill(queue, event(1), session())
    refused = entry(other("session"))
    assert queue.append(refused) == [refused]
    log = entry(other("log_item"))
    assert queue.append(log) == [log]
    assert len(queue) == 2


def test_nobody_is_evicted_in_vain() -> None:
    queue = Queue(300)
    fill(queue, session(1), session(2), event(1))
    heavy = entry(event(2, weight=250))
    assert queue.append(heavy) == [heavy]
    assert len(queue) == 3


def test_what_is_heavier_than_the_bound_is_taken_by_an_empty_queue() -> None:
    queue = Queue(100)
    (heavy,) = fill(queue, event(weight=1000))
    refused = entry(event(2))
    assert queue.append(refused) == [refused]
    assert drain(queue) == [heavy]


def test_a_full_queue_says_so_before_an_item_is_made() -> None:
    queue = Queue(200)
    fill(queue, event(1), session())
    full: list[Category] = ["session", "internal", "transaction", "log_item", "trace_metric"]
    assert [category for category in full if queue.full(category)] == full
    assert not queue.full("error")
    pop(queue)
    assert not queue.full("log_item")


def test_session_updates_ride_along_oldest_first() -> None:
    queue = Queue(10_000)
    updates = fill(queue, *(session(number) for number in range(5)))
    fill(queue, event())
    assert queue.pop_riders(3) == updates[:3]
    assert queue.pop_riders(9) == updates[3:]
    assert queue.pop_riders(9) == []
    assert queue.weight == 100


def test_an_entry_can_be_taken_out_wherever_it_stands() -> None:
    queue = Queue(10_000)
    first, second, third = fill(queue, event(1), event(2), event(3))
    queue.discard(second)
    queue.discard(second)
    assert queue.weight == 200
    assert drain(queue) == [first, third]


def squeezed(item: Item) -> Item:
    return item._replace(payload=Squeezed(b""), weight=10)


def test_what_could_take_less_room_is_given_once_the_oldest_first() -> None:
    queue = Queue(10_000)
    first, second, _ = fill(queue, event(1), event(2), squeezed(event(3)))
    assert queue.loose
    assert queue.pop_loose() is first
    assert queue.pop_loose() is second
    assert not queue.loose
    assert queue.pop_loose() is None
    assert pop(queue) is first, "it has stayed where it was"
    queue.put_back(first)
    assert queue.pop_loose() is first, "it may have another form by now"


def test_room_that_an_entry_no_more_takes_is_free() -> None:
    queue = Queue(200)
    first, filed = fill(queue, event(1), event(2))
    filed.file = "2"
    queue.note(filed)
    queue.exchange(first, squeezed(first.item))
    queue.exchange(filed, squeezed(filed.item))
    assert queue.weight == 20
    fill(queue, other("log_item"))
    assert pop(queue) is first
    queue.exchange(first, event(1))  # whoever is not in here weighs nothing here
    assert queue.weight == 110
    queue.mend([])
    assert queue.weight == 110


def test_twenty_thousand_entries_are_not_walked_over() -> None:
    """The work on a long queue is that on a short one; a walk for each would take minutes, which no test has."""
    queue = Queue(20_000 * 100)
    entries = fill(queue, *(other("log_item") for _ in range(20_000)))
    for each in reversed(entries[10_000:]):
        queue.discard(each)
    for each in entries[10_000:]:
        queue.append(each)
    for number in range(20_000):
        assert not queue.full("error")
        assert len(queue.append(entry(event(number)))) == 1
    assert queue.full("error")
