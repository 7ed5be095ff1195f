"""The parts that threads share, each by itself: nothing that two do at once is lost, or done twice."""

from __future__ import annotations

import random
from functools import partial

from asyncsentry.delivery.flood import MOST_ISSUES, Flood
from asyncsentry.delivery.ledger import Account
from asyncsentry.delivery.losses import Counts, Losses
from asyncsentry.delivery.outbox import Outbox
from asyncsentry.events.foreign import IdentityCache
from asyncsentry.scope import Scope
from asyncsentry.transport.protocol import NoResponse, Response
from delivery.material import CANCELLED, LOST, OK, REFUSED, Box, event, limits
from threads.together import THREADS, together

EACH = 150
OUTCOMES: tuple[Response | NoResponse, ...] = (
    *(OK, OK, OK, LOST, REFUSED, CANCELLED),
    *(Response(status, {}) for status in (413, 429, 500, 503)),
    limits("0.001:error:key"),
)


def test_an_outbox_settles_each_item_once() -> None:
    """Put, leased, settled in all ways, made smaller, taken back and looked at, all at the same time."""
    box = Box(bytes=3000, in_flight=3)
    outbox = box.outbox
    putting = [True] * 3

    def put(first: int) -> None:
        for number in range(first, first + EACH):
            outbox.put(outbox.entry(event(number), box.clock()))
        putting.pop()

    def send(thread: int) -> None:
        chance = random.Random(thread)
        while putting or outbox.due(box.clock()) == 0.0:
            lease = outbox.next(box.clock(), thread, hurry=True)
            if lease is not None and chance.random() < 0.1:
                outbox.spoil(lease, box.clock())
            elif lease is not None:
                outbox.settle(lease, chance.choice(OUTCOMES), box.clock())

    def look() -> None:
        while putting:
            for account in outbox.accounts().values():
                assert account.captured == total(account)
            outbox.squeeze_one(lambda item: item)
            outbox.forget(outbox.idle(box.clock()))
            outbox.reclaim(9)

    puts = [partial(put, EACH * number) for number in range(3)]
    together(*puts, *(partial(send, thread) for thread in range(1, 4)), look)
    empty(outbox, box)
    account = outbox.accounts()["error"]
    assert account.captured == 3 * EACH == total(account)
    assert account.queued == account.in_flight == 0
    assert sum(account.lost.values()) <= box.losses.total().total() <= sum(account.lost.values()) + account.unknown


def total(account: Account) -> int:
    settled = account.delivered + account.limited + account.unknown + sum(account.lost.values())
    return settled + account.queued + account.in_flight + account.spooled


def empty(outbox: Outbox, box: Box) -> None:
    outbox.reclaim()
    outbox.give_up(box.clock())


def test_losses_are_all_told_once() -> None:
    losses = Losses()
    told: list[Counts] = []

    def lose() -> None:
        for _ in range(5 * EACH):
            losses.add("sample_rate", "error")

    def tell() -> None:
        for number in range(EACH):
            counts = losses.take()
            if number % 2:
                losses.restore(counts)
            else:
                told.append(counts)

    together(*[lose] * THREADS, tell, tell)
    told.append(losses.take())
    assert sum(counts.total() for counts in told) == losses.total().total() == 5 * EACH * THREADS


def test_flood_control_remembers_no_more_issues_than_it_may() -> None:
    flood = Flood(3, lambda: 0.0)

    def ask(first: int) -> int:
        return sum(flood.admit((number,)) is not None for number in range(first, first + 2 * MOST_ISSUES))

    together(*[partial(ask, number) for number in range(0, 400, 50)])
    assert len(flood._buckets) <= MOST_ISSUES + THREADS


def test_a_cache_tells_of_an_object_what_is_true_of_it() -> None:
    cache: IdentityCache[int] = IdentityCache(limit=16)

    class Thing:
        pass

    def use(thread: int) -> None:
        for number in range(4 * EACH):
            thing, fact = Thing(), thread * 10_000 + number
            assert cache.get(thing) is None
            cache.put(thing, fact)
            assert cache.get(thing) in (fact, None)  # another may have had all forgotten

    together(*(partial(use, thread) for thread in range(THREADS)))
    assert len(cache) <= 16 + THREADS


def test_a_scope_that_threads_share_is_one_trace_and_has_all_that_was_set() -> None:
    for _ in range(40):
        scope = Scope()

        def work(thread: int, scope: Scope = scope) -> tuple[str, str]:
            trace = scope.trace_ids()
            for number in range(3):
                scope.set_tag(f"{thread} {number}", number)
                scope.add_attachment(b"x", filename=f"{thread} {number}")
                scope.add_breadcrumb(message=f"{thread} {number}")
                assert scope.fork().tags[f"{thread} {number}"] == number
            return trace

        traces = together(*(partial(work, thread) for thread in range(4)))
        names = sorted(f"{thread} {number}" for thread in range(4) for number in range(3))
        assert {*traces, scope.trace} == {scope.trace_ids()}
        assert sorted(scope.tags) == names
        assert sorted(attachment.filename for attachment in scope.attachments) == names
        assert sorted(crumb["message"] for crumb in scope.breadcrumbs) == names
