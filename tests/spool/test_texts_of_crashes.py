"""The text of a crash is the only copy of it: it is there until what was captured of it is on disk."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from asyncsentry.delivery.spool import names
from asyncsentry.delivery.spool.crashes import Crash, Crashes
from asyncsentry.delivery.spool.folder import Folder
from asyncsentry.delivery.spool.spool import Spool
from delivery.material import OK, event
from spool.conftest import OpenDesk
from spool.material import DIGEST, Desk, a_folder

LONG = 15.0
TEXT = "Fatal Python error: Aborted\n"


class Full(Folder):
    """On a disk that is full."""

    def write(self, name: str, data: bytes) -> None:
        raise OSError(28, "No space left on device", name)


def crash(root: Path) -> str:
    """A process crashes; gives the name of its folder."""
    gone = a_folder(root)
    with gone.open_fatal() as file:
        file.write(TEXT.encode())
    folder = Path(gone._open()).name
    gone.close()
    return folder


def texts(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob(f"*/*{names.CRASH}"))


def adopted(root: Path) -> Folder:
    folder = a_folder(root)
    assert list(folder.adopt(lambda *_: True)) == []
    return folder


class Reports:
    """Captures crashes at a desk; notes them, and which texts were there."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.crashes: list[Crash] = []
        self.texts: list[list[str]] = []

    def __call__(self, crash: Crash) -> bool:
        self.crashes.append(crash)
        self.texts.append(texts(self._desk.root))
        self._desk.box.put(event(len(self.crashes)))
        return True

    @property
    def origins(self) -> list[str]:
        return [crash.origin for crash in self.crashes]

    def wait_for(self, count: int) -> None:
        while len(self.crashes) < count:
            time.sleep(0.001)


def test_it_goes_when_what_was_captured_is_on_disk(open_desk: OpenDesk) -> None:
    desk = open_desk()
    one = crash(desk.root)
    reports = Reports(desk)
    spool = Spool(desk.keeper, desk.folder, crashed=reports)
    spool.start(bool)
    reports.wait_for(1)
    assert spool.catch_up()
    (told,) = reports.crashes
    assert (told.text, told.origin) == (TEXT, one)
    assert reports.texts == [[one + names.CRASH]]
    assert texts(desk.root) == []
    assert desk.files == ["01"]
    spool.save()


def test_crashes_are_reported_one_after_the_other(open_desk: OpenDesk) -> None:
    desk = open_desk()
    crashed = {crash(desk.root) for _ in range(3)}
    reports = Reports(desk)
    spool = Spool(desk.keeper, desk.folder, crashed=reports)
    spool.start(bool)
    reports.wait_for(3)
    assert spool.catch_up()
    assert set(reports.origins) == crashed
    assert [len(there) for there in reports.texts] == [3, 2, 1]
    assert desk.files == ["01", "02", "03"]
    spool.save()


def test_while_the_disk_is_full_it_stays_for_the_next_process(tmp_path: Path, open_desk: OpenDesk) -> None:
    desk = open_desk(folder=Full(str(tmp_path / "spool"), DIGEST, durable=False))
    crashed = {crash(desk.root) for _ in range(2)}
    reports = Reports(desk)
    spool = Spool(desk.keeper, desk.folder, crashed=reports)
    spool.start(bool)
    reports.wait_for(1)
    assert not spool.catch_up()
    assert len(reports.crashes) == 1
    spool.save()
    desk.box.outbox.give_up(desk.box.clock())
    spool.leave()
    assert len(texts(desk.root)) == 2
    second = open_desk()
    again = Reports(second)
    spool = Spool(second.keeper, second.folder, crashed=again)
    spool.start(bool)
    again.wait_for(2)
    assert spool.catch_up()
    assert set(again.origins) == crashed
    assert texts(desk.root) == []
    spool.save()


def test_it_goes_as_well_when_what_was_captured_has_arrived(tmp_path: Path, open_desk: OpenDesk) -> None:
    desk = open_desk(folder=Full(str(tmp_path / "spool"), DIGEST, durable=False))
    crash(desk.root)
    reports = Reports(desk)
    spool = Spool(desk.keeper, desk.folder, crashed=reports)
    spool.start(bool)
    reports.wait_for(1)
    assert not spool.catch_up()
    assert len(texts(desk.root)) == 1
    desk.box.send(OK)
    assert spool.catch_up()
    assert texts(desk.root) == []
    spool.save()


def test_at_the_end_the_calling_thread_sees_to_it(open_desk: OpenDesk) -> None:
    desk = open_desk()
    crash(desk.root)
    reports, reporting = Reports(desk), threading.Event()

    def report(told: Crash) -> bool:
        reporting.set()
        while not spool._ended:
            time.sleep(0.001)
        return reports(told)

    spool = Spool(desk.keeper, desk.folder, crashed=report)
    spool.start(bool)
    assert reporting.wait(LONG)
    spool.save()
    assert desk.files == ["01"]
    assert texts(desk.root) == []


def test_one_that_makes_the_report_fail_is_in_nobody_s_way(open_desk: OpenDesk) -> None:
    desk = open_desk()
    crash(desk.root)

    reporting = threading.Event()

    def fail(_told: Crash) -> bool:
        reporting.set()
        raise RuntimeError("what nobody had thought of")

    spool = Spool(desk.keeper, desk.folder, crashed=fail)
    spool.start(bool)
    assert reporting.wait(LONG)
    spool.save()
    assert texts(desk.root) == []
    spool.save()


def test_what_cannot_be_captured_now_is_left_to_the_next_process(tmp_path: Path) -> None:
    one = crash(tmp_path)
    folder = adopted(tmp_path)
    crashes = Crashes(folder, lambda _: False)
    assert not crashes.report_next()
    assert not crashes.reported
    folder.close()
    assert texts(tmp_path) == [one + names.CRASH]
    told: list[Crash] = []

    def take(crash: Crash) -> bool:
        told.append(crash)
        return True

    folder = adopted(tmp_path)
    crashes = Crashes(folder, take)
    assert crashes.report_next()
    crashes.forget_reported()
    assert not crashes.report_next()
    folder.close()
    assert [each.origin for each in told] == [one]
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_be_read_or_removed_is_in_nobody_s_way(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "asyncsentry")
    crash(tmp_path)
    crash(tmp_path)
    folder = adopted(tmp_path)
    (unreadable,) = tmp_path.glob(f"*/{folder.crashes[0]}")
    unreadable.unlink()
    unreadable.mkdir()

    def report(told: Crash) -> bool:
        (path,) = tmp_path.glob(f"*/{told.origin}{names.CRASH}")
        path.unlink()
        path.mkdir()
        return True

    crashes = Crashes(folder, report)
    assert crashes.report_next()
    assert not crashes.report_next()
    crashes.forget_reported()
    assert not crashes.reported
    folder.close()
    assert "cannot be read" in caplog.text
    assert "cannot be removed" in caplog.text
