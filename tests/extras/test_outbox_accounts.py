"""Whatever happens, in whatever order: all that was put is delivered, lost, waiting or on its way, and one of these."""

from __future__ import annotations

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.ledger import amounts
from asyncsentry.delivery.losses import Counts
from asyncsentry.delivery.reports import REPORT_AFTER
from asyncsentry.delivery.retry import RETRY_STATUSES
from asyncsentry.item import Attachment, Item
from asyncsentry.transport.protocol import NoResponse, Response
from delivery.material import CANCELLED, LOST, OK, REFUSED, UNSENT_CANCELLED, Box, event, items, limits, other, session

OUTCOMES: tuple[Response | NoResponse, ...] = (
    *(OK, REFUSED, LOST, CANCELLED, UNSENT_CANCELLED),
    *(Response(status, {}) for status in (307, 400, 413, 429, 500, 503)),
    Response(503, {"retry-after": "7"}),
    limits("5:error:key"),
    limits("5::key"),
    limits("5:attachment;session:key", 429),
)


class Accounts(RuleBasedStateMachine):
    """A model that only counts."""

    def __init__(self) -> None:
        super().__init__()
        self.box = Box(bytes=1000, in_flight=3, jitter=0.5, spooling=True)
        self.files = self.box.outbox.files
        self.disk: dict[str, Item] = {}
        self.waiting: list[str] = []
        self.put = 0
        self.early = 0
        self.told_by_the_server = 0  # of what may have arrived: it refused that by a rate limit when it came again
        self.accepted: set[int] = set()  # by the server, with any answer that it counts by itself
        self.leases: list[Lease] = []
        self.settled: list[Lease] = []
        self.latches: list[tuple[int, object]] = []
        self.reporting: set[Lease] = set()
        self.told = Counts()
        self.doubtful = Counts()  # told, or not: nobody knows whether the report arrived

    # -- what happens

    @rule(
        kind=st.sampled_from(["event", "with attachment", "session", "transaction", "log"]),
        weight=st.integers(min_value=1, max_value=400),
    )
    def capture(self, kind: str, weight: int) -> None:
        self.put += 1
        made: dict[str, Item] = {
            "event": event(self.put, weight=weight),
            "with attachment": event(self.put, weight=weight, attachments=(Attachment(b"abc", "a"),)),
            "session": session(self.put, weight=weight),
            "transaction": other("transaction", weight=weight),
            "log": other("log_item", weight=weight),
        }
        self.box.put(made[kind])

    @rule()
    def sample_out(self) -> None:
        self.early += 1
        self.box.losses.add("sample_rate", "error")

    @rule(thread=st.sampled_from([1, 2]), hurry=st.booleans())
    def lease(self, thread: int, hurry: bool) -> None:
        lease = self.box.outbox.next(self.box.clock(), thread, hurry=hurry)
        if lease is not None:
            assert lease.entries or lease.losses
            self.leases.append(lease)
            self.reporting.add(lease)

    @precondition(lambda self: bool(self.leases))
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def settle(self, data: st.DataObject, outcome: Response | NoResponse) -> None:
        lease = data.draw(st.sampled_from(self.leases))
        self._note(lease, outcome)
        self.leases.remove(lease)
        self.settled.append(lease)

    @precondition(lambda self: bool(self.settled))
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def settle_again(self, data: st.DataObject, outcome: Response | NoResponse) -> None:
        self._note(data.draw(st.sampled_from(self.settled)), outcome)

    @precondition(lambda self: bool(self.leases))
    @rule(data=st.data())
    def spoil(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(self.leases))
        self.reporting.discard(lease)
        self.box.outbox.spoil(lease, self.box.clock())

    @rule(thread=st.sampled_from([1, 2, None]))
    def reclaim(self, thread: int | None) -> None:
        self.box.outbox.reclaim(thread)

    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0, 11.0, REPORT_AFTER, 8000.0]))
    def wait(self, seconds: float) -> None:
        self.box.clock.advance(seconds)

    @rule()
    def ask_for_a_latch(self) -> None:
        self.latches.append((self.put, self.box.idle()))

    @rule()
    def give_up(self) -> None:
        self.box.outbox.give_up(self.box.clock())
        assert self.left() == 0

    # -- what the spool does

    @rule(complete=st.booleans())
    def file(self, complete: bool) -> None:
        entry = self.files.unfiled()
        if entry is not None:
            name = f"{entry.number}"
            self.disk[name] = entry.item
            self.files.file(entry, name, b"{}" if complete else None)

    @rule()
    def tidy(self) -> None:
        for name in self.files.take_settled():
            del self.disk[name]
        self.waiting += [name for name in self.files.take_returned() if name in self.disk]

    @precondition(lambda self: bool(self.waiting))
    @rule()
    def replay(self) -> None:
        name = self.waiting.pop(0)
        if name in self.disk and not self.files.replay(self.disk[name], name, self.box.clock()):
            self.waiting.append(name)

    @precondition(lambda self: bool(self.disk))
    @rule(data=st.data())
    def lose_a_file(self, data: st.DataObject) -> None:
        self.tidy()
        if self.disk:
            name = data.draw(st.sampled_from(sorted(self.disk)))
            del self.disk[name]
            self.files.lose(name, "error")

    # -- what holds

    @invariant()
    def all_is_accounted_for_once(self) -> None:
        accounts = self.box.outbox.accounts()
        for account in accounts.values():
            settled = account.delivered + account.limited + sum(account.lost.values()) + account.unknown
            assert account.captured == settled + account.queued + account.in_flight + account.spooled
        counted = {category: account for category, account in accounts.items() if category != "attachment"}
        assert sum(account.captured for account in counted.values()) == self.put + self.early
        assert sum(account.queued + account.in_flight for account in counted.values()) == self.left()

    @invariant()
    def the_server_is_told_of_what_was_lost_and_of_what_may_be(self) -> None:
        accounts = self.box.outbox.accounts().values()
        total = sum(self.box.losses.total().values())
        given_up = sum(sum(account.lost.values()) + account.unknown for account in accounts)
        assert total + self.told_by_the_server == given_up

    @invariant()
    def each_loss_is_told_waits_to_be_told_or_was_in_a_report_that_may_have_arrived(self) -> None:
        for lease in self.reporting - self.box.outbox._clerk.leases.keys():  # reclaimed, or given up
            self.reporting.remove(lease)
            self.doubtful.update(lease.losses)
        under_way = sum((lease.losses for lease in self.reporting), Counts())
        total = self.box.losses.total()
        assert self.told + self.doubtful + under_way + self.box.losses._unreported == total

    @invariant()
    def what_is_on_disk_alone_is_there(self) -> None:
        settled = set(self.files._book.filing.settled)
        in_memory = {entry.file for entry in self.box.outbox._clerk.book.left()}
        assert self._spooled() == len(self.disk.keys() - settled - in_memory)

    @invariant()
    def the_queue_weighs_what_is_in_it(self) -> None:
        queue = self.box.outbox._clerk.queue
        for line in queue._lines:
            filed = [entry for entry in line.entries.values() if entry.file is not None]
            assert line.filed == {entry.number: entry for entry in filed}
            assert line.filed_weight == sum(entry.item.weight for entry in filed)
        waiting = [entry for line in queue._lines for entry in line.entries.values()]
        assert queue.weight == sum(entry.item.weight for entry in waiting)
        assert len(queue) == len(waiting)

    @invariant()
    def what_is_left_waits_or_is_on_its_way_and_not_both(self) -> None:
        outbox = self.box.outbox
        waiting = {entry.number for line in outbox._clerk.queue._lines for entry in line.entries.values()}
        under_way = [entry.number for lease in outbox._clerk.leases for entry in lease.entries]
        pending = {entry.number for entry in outbox._clerk.book.left()}
        assert waiting <= pending
        assert not waiting.intersection(under_way)
        assert pending == waiting | pending.intersection(under_way)

    @invariant()
    def there_is_always_something_to_come_while_something_is_left(self) -> None:
        if self.left():
            assert self.box.due() is not None

    def teardown(self) -> None:
        """In the end all can be delivered or lost, and every latch opens."""
        for _ in range(10_000):
            due = self.box.due()
            if due is None:
                break
            self.box.clock.advance(due)
            lease = self.box.outbox.next(self.box.clock(), 1)
            if lease is not None:
                self._note(lease, OK)
        assert self.left() == 0
        assert self.box.due() is None
        assert all(latch.done() for _, latch in self.latches)  # type: ignore[attr-defined]  # a Future

    # -- counting

    def left(self) -> int:
        return len(self.box.outbox._clerk.book.left())

    def _note(self, lease: Lease, outcome: Response | NoResponse) -> None:
        before, lost, spooled = self.left(), self._lost(), self._spooled()
        outbox = self.box.outbox
        if lease in outbox._clerk.leases and isinstance(outcome, Response) and outcome.status == 429:
            again = [entry.item for entry in lease.entries if entry in outbox._clerk.book and entry.sent]
            self.told_by_the_server += sum(quantity for item in again for _, quantity in amounts(item))
        self.box.settle(lease, outcome)
        if lease in self.reporting:
            self.reporting.remove(lease)
            self._note_report(lease, outcome)
        gone = before - self.left()
        counted = self._lost() - lost
        kept = self._spooled() - spooled
        assert 0 <= counted <= gone <= len(items(lease))
        if isinstance(outcome, Response) and (outcome.status < 300 or outcome.status == 429):
            assert counted == 0
        else:
            assert counted + kept == gone

    def _note_report(self, lease: Lease, outcome: Response | NoResponse) -> None:
        if isinstance(outcome, NoResponse):
            if outcome.sent:
                self.doubtful.update(lease.losses)
        elif outcome.status < 300:
            self.told.update(lease.losses)
        elif outcome.status == 429:  # refused with everything else, or taken
            if not self.box.outbox._clerk.limits.limited("internal", self.box.clock()):
                self.told.update(lease.losses)
        elif outcome.status in RETRY_STATUSES or (outcome.status < 500 and not lease.entries):
            self.doubtful.update(lease.losses)

    def _spooled(self) -> int:
        accounts = self.box.outbox.accounts().items()
        return sum(account.spooled for category, account in accounts if category != "attachment")

    def _lost(self) -> int:
        return sum(number for (_, category), number in self.box.losses.total().items() if category != "attachment")


Accounts.TestCase.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
TestAccounts = Accounts.TestCase
