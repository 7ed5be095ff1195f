"""Files what waits, removes what is settled, brings back what was left; a disk that fails is said once."""

from __future__ import annotations

import logging
import resource
import shutil
from pathlib import Path

import pytest

from asyncsentry.delivery.ledger import Account
from asyncsentry.delivery.spool import names
from asyncsentry.delivery.spool.keeper import LOOK_EVERY, PAUSE, TRY_AGAIN_AFTER
from asyncsentry.delivery.spool.shelf import MAX_AGE
from asyncsentry.item import Item
from delivery.material import LOST, OK, REFUSED, event, limits
from spool.conftest import OpenDesk
from spool.material import Desk


def account(desk: Desk) -> Account:
    return desk.box.outbox.accounts()["error"]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_what_waits_is_on_disk_until_it_is_settled(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.put(event(1), event(2))
    assert desk.files == ["01", "02"]
    desk.box.send(OK)
    desk.work()
    assert desk.files == ["02"]


def test_what_a_process_left_the_next_one_delivers_the_oldest_first(open_desk: OpenDesk) -> None:
    first = open_desk()
    first.put(event(1), event(2), event(3))
    first.end()
    second = open_desk()
    second.work()
    assert second.bring_back() == ["01", "02", "03"]
    assert [second.box.send(OK)[0].id for _ in range(3)] == [f"{number:032x}" for number in (1, 2, 3)]
    second.work()
    assert second.files == []
    assert account(second) == Account(captured=3, delivered=3)
    second.end()
    assert list(second.root.iterdir()) == []


def test_what_left_memory_comes_back(open_desk: OpenDesk) -> None:
    desk = open_desk(queue_bytes=200)
    desk.put(event(1), event(2))
    desk.put(event(3))
    assert account(desk) == Account(captured=3, queued=2, spooled=1)
    assert desk.bring_back() == []  # there is no room
    desk.box.send(OK)
    desk.box.send(OK)
    desk.work()
    assert desk.bring_back() == []  # for a moment
    desk.box.clock.advance(10 * PAUSE)
    assert desk.bring_back() == ["01"]
    desk.box.send(OK)
    assert account(desk) == Account(captured=3, delivered=3)


def test_after_some_have_come_back_there_is_a_pause(open_desk: OpenDesk) -> None:
    first = open_desk()
    first.put(*(event(number) for number in range(12)))
    first.end()
    desk = open_desk()
    desk.work()
    assert len(desk.bring_back()) == 10
    assert desk.keeper.rest() == LOOK_EVERY
    for _ in range(10):
        desk.box.send(OK)
    desk.work()
    desk.keeper.pause()
    assert desk.keeper.rest() == pytest.approx(PAUSE)
    assert desk.bring_back() == []
    desk.box.clock.advance(PAUSE)
    assert desk.keeper.rest() == 0
    assert desk.bring_back() == ["0a", "0b"]


def test_while_the_server_fails_one_comes_back_to_try_it(open_desk: OpenDesk) -> None:
    first = open_desk()
    first.put(event(1), event(2), event(3))
    first.end()
    desk = open_desk()
    desk.put(event(9))
    desk.box.settle(desk.box.next(), REFUSED)
    assert desk.bring_back() == ["01"]
    assert desk.bring_back() == []
    desk.box.send(OK)
    assert desk.bring_back() == ["02", "03"]


def test_nothing_of_a_limited_category_comes_back(open_desk: OpenDesk) -> None:
    first = open_desk()
    first.put(event(1), Item("transaction", "transaction", {}, 10, f"{2:032x}"), event(3))
    first.end()
    desk = open_desk()
    desk.put(event(9))
    desk.box.send(limits("60:error:key"))
    assert desk.bring_back() == ["02"]
    assert desk.bring_back() == []
    desk.box.clock.advance(61)
    assert desk.bring_back() == ["01", "03"]


def test_what_others_leave_is_looked_for_now_and_then(open_desk: OpenDesk) -> None:
    desk, other = open_desk(), open_desk()
    desk.work()
    other.put(event(1))
    other.end()
    desk.box.clock.advance(LOOK_EVERY - 1)
    desk.work()
    assert desk.bring_back() == []
    assert desk.keeper.rest() == 1
    desk.box.clock.advance(1)
    desk.work()
    assert desk.bring_back() == ["01"]


def test_one_process_claims_what_was_left(open_desk: OpenDesk) -> None:
    first = open_desk()
    first.put(event(1), event(2))
    first.end()
    one, other = open_desk(), open_desk()
    one.work()
    other.work()
    assert one.bring_back() == ["01", "02"]
    assert other.bring_back() == []


# -- bounds


def test_the_oldest_go_for_want_of_room_and_are_counted(open_desk: OpenDesk) -> None:
    desk = open_desk(most_bytes=600)
    desk.put(*(event(number) for number in range(1, 5)))
    assert desk.files == ["03", "04"]
    assert account(desk) == Account(captured=4, queued=4)  # they are in memory yet
    desk.end()
    assert account(desk) == Account(captured=4, lost={"network_error": 2}, spooled=2)
    late = open_desk(most_bytes=600)
    late.wall.advance(100)
    late.work()
    late.put(event(5), event(6))
    assert late.files == ["05", "06"]
    assert account(late) == Account(captured=4, lost={"cache_overflow": 2}, queued=2)


def test_what_another_process_left_and_is_no_envelope_is_counted_as_an_error(open_desk: OpenDesk) -> None:
    first = open_desk()
    first.put(event(1))
    (file,) = first.root.glob("*/*.envelope")
    file.write_bytes(b"?" * 200)
    first.end()
    desk = open_desk(most_bytes=300)
    desk.put(event(2))
    assert account(desk) == Account(captured=2, lost={"cache_overflow": 1}, queued=1)


def test_what_is_too_large_for_the_spool_is_in_memory_alone(open_desk: OpenDesk) -> None:
    desk = open_desk(most_bytes=100)
    desk.put(event(1))
    assert desk.files == []
    assert account(desk) == Account(captured=1, queued=1)


def test_what_is_a_month_old_goes(open_desk: OpenDesk) -> None:
    first = open_desk()
    first.put(event(1))
    first.end()
    desk = open_desk()
    desk.wall.advance(MAX_AGE + 10)
    desk.work()
    assert desk.files == []
    assert account(desk) == Account(captured=1, lost={"cache_overflow": 1})


# -- trouble


def test_what_cannot_be_written_is_left_to_who_sends_it(open_desk: OpenDesk) -> None:
    def fail(item: Item) -> tuple[Item, bool]:
        raise TypeError("no JSON")

    desk = open_desk(finish=fail)
    desk.put(event(1))
    assert desk.files == []
    assert account(desk) == Account(captured=1, queued=1)


def test_in_memory_stays_what_was_written_if_it_is_complete(open_desk: OpenDesk) -> None:
    for complete in (True, False):
        desk = open_desk(finish=lambda item, complete=complete: (item._replace(payload=b"{}"), complete))
        desk.put(event(1))
        (item,) = desk.box.send(OK)
        assert (item.payload == b"{}") == complete


def test_a_corrupt_file_is_set_aside_said_and_counted(open_desk: OpenDesk, caplog: pytest.LogCaptureFixture) -> None:
    first = open_desk()
    first.put(event(1), event(2))
    path = min(first.root.glob("*/*.envelope"))
    path.write_bytes(b"\x00" * 100)
    first.end()
    desk = open_desk()
    desk.work()
    assert desk.bring_back() == ["02"]
    aside = desk.root / names.ASIDE / path.name
    assert aside.read_bytes() == b"\x00" * 100
    (said,) = warnings(caplog)
    assert str(aside) in said
    assert account(desk) == Account(captured=2, lost={"cache_overflow": 1}, queued=1)


def test_a_file_that_is_gone_is_said_and_counted(open_desk: OpenDesk, caplog: pytest.LogCaptureFixture) -> None:
    first = open_desk()
    first.put(event(1), event(2))
    first.end()
    desk = open_desk()
    desk.work()
    min(desk.root.glob("*/*.envelope")).unlink()
    assert desk.bring_back() == ["02"]
    assert "cannot be read" in warnings(caplog)[0]
    assert account(desk) == Account(captured=2, lost={"cache_overflow": 1}, queued=1)


def test_a_disk_that_fails_is_said_once_and_tried_again_later(
    open_desk: OpenDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk = open_desk()
    desk.root.write_text("a file, where the folder was")
    desk.put(event(1), event(2))
    desk.work()
    assert len(warnings(caplog)) == 1
    assert "in memory alone" in warnings(caplog)[0]
    assert account(desk) == Account(captured=2, queued=2)
    assert desk.keeper.rest() == TRY_AGAIN_AFTER
    desk.box.send(OK)
    desk.root.unlink()
    desk.work()
    assert not desk.root.exists()
    desk.box.clock.advance(TRY_AGAIN_AFTER)
    desk.work()
    assert desk.files == ["02"]
    assert len(warnings(caplog)) == 1


def test_a_full_disk_costs_only_the_spool(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(tmp_path)
    desk.put(event(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # a file that grows beyond that fails as on a full disk
    try:
        desk.put(event(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert desk.files == ["01"]
    assert not list(tmp_path.glob(f"*/*{names.PART}"))
    assert "File too large" in warnings(caplog)[0]
    assert [desk.box.send(OK)[0].id for _ in range(2)] == [f"{1:032x}", f"{2:032x}"]
    desk.end()


def test_a_folder_that_somebody_removed_is_made_anew(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.put(event(1))
    shutil.rmtree(desk.root)
    desk.put(event(2))
    assert desk.files == ["02"]
    desk.box.send(OK)
    desk.work()
    desk.box.settle(desk.box.next(), LOST)
    desk.end()
    assert account(desk) == Account(captured=2, delivered=1, spooled=1)
