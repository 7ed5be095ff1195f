"""What is on disk as well may leave memory, and is not lost."""

from __future__ import annotations

from asyncsentry.delivery.ledger import Account
from asyncsentry.delivery.retry import MAX_AGE, MAX_TRIES
from asyncsentry.item import Attachment, Category, Item
from asyncsentry.transport.protocol import Response
from delivery.material import LOST, OK, REFUSED, Box, event, items, limits, other, session

ATTACHED = (Attachment(b"abc", "a"),)


class Desk(Box):
    """An outbox, and what the spool's thread does with it, but for the disk."""

    def __init__(self, *, bytes: int = 10_000) -> None:
        super().__init__(bytes=bytes, spooling=True, reports=False)
        self.files = self.outbox.files

    def file(self) -> list[str]:
        """Have all that is not on disk yet on disk; gives the names of the files."""
        filed = []
        while (entry := self.files.unfiled()) is not None:
            name = f"file {entry.number}"
            self.files.file(entry, name, None)
            filed.append(name)
        return filed

    def replay(self, item: Item, name: str) -> bool:
        return self.files.replay(item, name, self.clock())

    def account(self, category: Category = "error") -> Account:
        return self.outbox.accounts()[category]


def test_what_has_an_id_is_to_be_on_disk() -> None:
    desk = Desk()
    desk.put(event(1), session(), other("log_item"), event(2))
    assert desk.file() == ["file 1", "file 4"]
    assert Box().outbox.files.unfiled() is None


def test_what_is_said_twice_to_be_on_disk_is_there_once() -> None:
    desk = Desk()
    desk.put(event(1))
    entry = desk.files.unfiled()
    assert entry is not None
    for _ in range(2):  # Ctrl-C may cut a step off that is done: then it is done once more
        desk.files.file(entry, "file 1", None)
    assert desk.files.take_settled() == []
    desk.send()
    assert desk.files.take_settled() == ["file 1"]


def test_without_a_spool_nothing_is() -> None:
    box = Box()
    box.put(event(1))
    assert box.outbox.files.unfiled() is None


def test_what_is_settled_before_it_is_on_disk_need_not_be() -> None:
    desk = Desk()
    desk.put(event(1))
    desk.send()
    assert desk.file() == []


def test_what_is_settled_while_it_is_written_goes_again() -> None:
    desk = Desk()
    desk.put(event(1))
    entry = desk.files.unfiled()
    assert entry is not None
    desk.send()
    desk.files.file(entry, "late", b"{}")
    assert desk.files.noted
    assert desk.files.take_settled() == ["late"]
    assert not desk.files.noted


def test_the_file_of_what_is_settled_goes() -> None:
    desk = Desk()
    for outcome in (OK, Response(429, {}), Response(413, {}), Response(500, {})):
        desk.put(event(1))
        (name,) = desk.file()
        desk.send(outcome)
        assert desk.files.take_settled() == [name]
        desk.clock.advance(61)
    assert desk.files.take_returned() == []


def test_in_memory_it_may_stay_in_the_form_that_is_on_disk() -> None:
    desk = Desk()
    desk.put(event(1, weight=77))
    entry = desk.files.unfiled()
    assert entry is not None
    desk.files.file(entry, "name", b"{}")
    (item,) = desk.send()
    assert (item.payload, item.weight) == (b"{}", 77)


def test_what_cannot_be_on_disk_is_not_tried_again() -> None:
    desk = Desk()
    desk.put(event(1))
    entry = desk.files.unfiled()
    assert entry is not None
    desk.files.skip(entry)
    assert desk.files.unfiled() is None
    desk.outbox.give_up(desk.clock())
    assert desk.account() == Account(captured=1, lost={"network_error": 1})


# -- leaving memory


def test_it_gives_way_to_any_other_the_oldest_first() -> None:
    desk = Desk(bytes=300)
    desk.put(event(1), event(2))
    desk.file()
    desk.put(other("log_item"), event(3), other("log_item"), other("log_item"))
    assert desk.files.take_returned() == ["file 1", "file 2"]
    assert desk.lost() == {("queue_overflow", "log_item"): 1}
    assert desk.account() == Account(captured=3, queued=1, spooled=2)


def test_it_gives_way_before_what_is_less_important() -> None:
    desk = Desk(bytes=300)
    desk.put(event(1), event(2))
    desk.file()
    desk.put(other("log_item"), event(3))
    assert desk.files.take_returned() == ["file 1"]
    assert desk.lost() == {}


def test_a_category_is_not_refused_while_others_can_give_way() -> None:
    desk = Desk(bytes=200)
    desk.put(event(1), event(2), event(3))
    assert desk.outbox.refusal("error", desk.clock()) == "queue_overflow"
    desk.file()
    assert desk.outbox.refusal("error", desk.clock()) is None


def test_what_is_put_back_in_the_queue_is_still_known_to_be_on_disk() -> None:
    desk = Desk(bytes=200)
    desk.put(event(1), event(2))
    desk.file()
    desk.settle(desk.next(), REFUSED)
    desk.put(event(3))
    assert desk.files.take_returned() == ["file 1"]


def test_what_would_be_given_up_stays_on_disk() -> None:
    desk = Desk()
    desk.put(event(1))
    desk.file()
    desk.clock.advance(MAX_AGE + 1)
    assert desk.rests()
    assert desk.files.take_returned() == ["file 1"]
    desk.put(event(2))
    desk.file()
    for _ in range(MAX_TRIES):
        desk.settle(desk.next(hurry=True), LOST)
    assert desk.files.take_returned() == ["file 2"]
    desk.put(event(3), event(4))
    desk.settle(desk.next(hurry=True), limits("600:error:key"))
    desk.file()
    desk.clock.advance(60)
    assert desk.rests()
    assert desk.files.take_returned() == ["file 4"]
    assert desk.lost() == {}
    assert desk.account() == Account(captured=4, delivered=1, spooled=3)


def test_what_is_given_up_at_the_end_stays_on_disk_and_the_rest_is_lost() -> None:
    desk = Desk()
    desk.put(event(1))
    desk.file()
    desk.put(event(2), session())
    idle = desk.idle()
    assert desk.outbox.give_up(desk.clock()) == 2
    assert idle.done()
    assert desk.account() == Account(captured=2, lost={"network_error": 1}, spooled=1)


def test_what_is_accepted_late_does_not_come_back() -> None:
    desk = Desk()
    desk.put(event(1))
    desk.file()
    lease = desk.next()
    desk.outbox.give_up(desk.clock())
    assert desk.account() == Account(captured=1, spooled=1)
    desk.settle(lease)
    assert desk.files.take_settled() == ["file 1"]
    assert desk.account() == Account(captured=1, delivered=1)
    desk.settle(lease)
    assert desk.account() == Account(captured=1, delivered=1)


# -- coming back


def test_what_is_accepted_late_does_not_come_back_although_its_file_was_just_read() -> None:
    desk = Desk()
    desk.put(event(1))
    (name,) = desk.file()
    lease = desk.next()
    desk.outbox.give_up(desk.clock())
    assert desk.files.take_returned() == [name]
    desk.settle(lease, OK)
    assert desk.replay(event(1), name)
    assert desk.account() == Account(captured=1, delivered=1)
    assert desk.files.take_settled() == [name]


def test_what_comes_back_is_sent_after_what_is_new() -> None:
    desk = Desk()
    old, fresh = event(1), other("log_item")
    assert desk.replay(old, "file")
    desk.put(fresh)
    assert [desk.send()[0], desk.send()[0]] == [fresh, old]
    assert desk.files.take_settled() == ["file"]


def test_what_another_process_left_counts_as_captured_when_it_comes() -> None:
    desk = Desk()
    desk.replay(event(1, attachments=ATTACHED), "file")
    assert desk.account() == Account(captured=1, queued=1)
    assert desk.account("attachment") == Account(captured=3, queued=3)


def test_what_this_process_left_is_counted_once() -> None:
    desk = Desk()
    desk.put(event(1, attachments=ATTACHED))
    desk.file()
    desk.outbox.give_up(desk.clock())
    assert desk.account("attachment") == Account(captured=3, spooled=3)
    desk.replay(event(1, attachments=ATTACHED), "file 1")
    assert desk.account() == Account(captured=1, queued=1)
    desk.send()
    assert desk.account("attachment") == Account(captured=3, delivered=3)


def test_attachments_that_were_given_up_do_not_come_back() -> None:
    desk = Desk()
    desk.put(event(1), event(2, attachments=ATTACHED))
    desk.file()
    desk.settle(desk.next(), limits("60:attachment:key"))
    desk.next()
    desk.outbox.give_up(desk.clock())
    desk.replay(event(2, attachments=ATTACHED), "file 2")
    (item,) = items(desk.next())
    assert item.attachments == ()
    assert desk.account("attachment") == Account(captured=3, lost={"ratelimit_backoff": 3})


def test_only_a_few_come_back_at_once_and_one_while_the_server_fails() -> None:
    desk = Desk()
    number = 0
    while desk.files.may_replay(desk.clock()):
        number += 1
        desk.replay(event(number), f"file {number}")
    assert number == 10
    desk.send()
    assert desk.files.may_replay(desk.clock())
    for _ in range(9):
        desk.send()
    desk.put(event(99))
    desk.settle(desk.next(), REFUSED)
    desk.settle(desk.next(), REFUSED)
    assert not desk.files.may_replay(desk.clock())
    desk.clock.advance(desk.due() or 0)
    assert desk.files.may_replay(desk.clock())
    desk.replay(event(20), "file 20")
    assert not desk.files.may_replay(desk.clock())


def test_what_comes_back_takes_no_room_from_others() -> None:
    desk = Desk(bytes=300)
    assert desk.replay(event(1, weight=1000), "heavy")
    desk.send()
    desk.put(event(1))
    assert not desk.replay(event(2), "file")
    desk.send()
    assert desk.replay(event(2), "file")


def test_what_comes_back_and_spoils_each_try_comes_back_no_more() -> None:
    desk = Desk()
    desk.replay(event(1), "file")
    for _ in range(MAX_TRIES):
        desk.settle(desk.next(hurry=True), LOST)
    assert desk.files.take_returned() == []
    assert desk.account() == Account(captured=1, spooled=1)


def test_limits_are_known_to_the_disk() -> None:
    desk = Desk()
    desk.put(event(1))
    desk.send(limits("60:error:key"))
    assert desk.files.limited("error", desk.clock())
    assert not desk.files.limited("transaction", desk.clock())


# -- files that are gone


def test_a_file_that_has_to_go_costs_nothing_while_its_item_is_in_memory() -> None:
    desk = Desk(bytes=200)
    desk.put(event(1), event(2))
    desk.file()
    desk.files.lose("file 1", "error")
    desk.put(event(3), event(4))
    assert desk.files.take_returned() == ["file 2"]
    assert desk.lost() == {("queue_overflow", "error"): 1}
    desk.send()
    assert desk.files.take_settled() == []
    assert desk.account() == Account(captured=4, delivered=1, lost={"queue_overflow": 1}, queued=1, spooled=1)


def test_a_file_that_has_to_go_costs_nothing_if_its_item_was_settled_meanwhile() -> None:
    desk = Desk()
    desk.put(event(1))
    (name,) = desk.file()
    desk.send()
    desk.files.lose(name, "error")
    assert desk.account() == Account(captured=1, delivered=1)


def test_a_file_that_has_to_go_is_a_loss_if_its_item_is_nowhere_else() -> None:
    desk = Desk()
    desk.put(event(1, attachments=ATTACHED))
    desk.file()
    desk.outbox.give_up(desk.clock())
    desk.files.lose("file 1", "error")
    desk.files.lose("another process's", "transaction")
    assert desk.account() == Account(captured=1, lost={"cache_overflow": 1})
    assert desk.account("attachment") == Account(captured=3, lost={"cache_overflow": 3})
    assert desk.account("transaction") == Account(captured=1, lost={"cache_overflow": 1})
    assert sum(desk.lost().values()) == 5


def test_what_came_back_and_lost_its_file_is_still_delivered() -> None:
    desk = Desk()
    desk.replay(event(1)._replace(weight=50), "file")
    desk.files.lose("file", "error")
    for number in range(10):
        assert desk.files.may_replay(desk.clock())
        desk.replay(event(number), f"file {number}")
    for _ in range(11):
        desk.send()
    assert "file" not in desk.files.take_settled()
    assert desk.account() == Account(captured=11, delivered=11)
