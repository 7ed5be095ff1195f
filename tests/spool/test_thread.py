"""The spool's thread: it waits for the disk, is woken, and ends; without it the end of the program does its work."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asyncsentry.delivery.spool import threads
from asyncsentry.delivery.spool.keeper import Keeper
from asyncsentry.delivery.spool.spool import SAVED_WITHIN, Spool
from asyncsentry.testing.changes import Changes
from delivery.material import OK, event, no_more_threads
from spool.conftest import OpenDesk
from spool.material import Desk, files

LONG = 15.0


class Watched(Spool):
    """A spool whose thread says whenever it has done all that there was to do."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.keeper, desk.folder)
        self.changes = Changes()

    def _do_all(self) -> None:
        super()._do_all()
        self.changes.note()

    def wait_for(self, predicate: Callable[[], object]) -> None:
        assert self.changes.wait_for(predicate, LONG)


@pytest.fixture
def desk(open_desk: OpenDesk) -> Desk:
    return open_desk()


@pytest.fixture
def spool(desk: Desk) -> Iterator[Watched]:
    made = Watched(desk)
    yield made
    made.save()
    made.leave()


def test_it_files_what_comes_and_removes_what_is_settled(desk: Desk, spool: Watched) -> None:
    spool.start(bool)
    desk.box.put(event(1))
    spool.wake()
    spool.wait_for(lambda: desk.files == ["01"])
    desk.box.send(OK)
    spool.wake()
    spool.wait_for(lambda: desk.files == [])


def test_what_others_left_is_brought_back_and_a_turn_is_armed(open_desk: OpenDesk, desk: Desk, spool: Watched) -> None:
    first = open_desk()
    first.put(event(1))
    first.end()
    armed: list[bool] = []
    spool.start(lambda: armed.append(True))
    spool.wait_for(lambda: armed)
    assert desk.box.send(OK)[0].id == f"{1:032x}"


def test_at_the_end_the_calling_thread_files_what_is_left(desk: Desk, spool: Watched) -> None:
    spool.start(bool)
    spool.save()
    desk.box.put(event(1), event(2))
    spool.wake()
    spool.save()
    assert desk.files == ["01", "02"]
    assert desk.box.outbox.give_up(desk.box.clock()) == 0
    spool.leave()
    assert files(desk.root) == ["01", "02"]


def test_who_is_told_to_end_gives_it_a_moment(desk: Desk, spool: Watched) -> None:
    spool.start(bool)
    desk.box.put(event(1))
    assert spool.catch_up()
    assert desk.files == ["01"]
    desk.box.send(OK)
    assert spool.catch_up()
    assert desk.files == []


def test_the_thread_itself_does_not_wait_for_its_own_end(open_desk: OpenDesk, desk: Desk, spool: Watched) -> None:
    """As when it captures something while the program ends."""
    first = open_desk()
    first.put(event(1))
    first.end()
    saved: list[float] = []

    def end() -> None:
        began = time.monotonic()
        spool.save()
        saved.append(time.monotonic() - began)

    spool.start(end)
    spool.wait_for(lambda: saved)
    assert saved[0] < SAVED_WITHIN


def test_it_may_never_have_begun(desk: Desk, spool: Watched) -> None:
    desk.box.put(event(1))
    spool.save()
    assert desk.files == ["01"]


def test_where_no_thread_begins_any_more_the_end_does_it_all(desk: Desk, spool: Watched) -> None:
    with no_more_threads():
        spool.start(bool)
    desk.box.put(event(1))
    spool.save()
    assert desk.files == ["01"]


def test_a_thread_that_did_not_begin_after_all_is_told() -> None:
    failed: list[bool] = []
    with no_more_threads():
        threads._launch(threading.Thread(target=bool), lambda: failed.append(True))
    assert failed == [True]


class Stuck(Keeper):
    """Waits for a disk that does not answer, and then fails."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.box.outbox.files, lambda item: (item, True), "", desk.folder, desk.shelf)
        self.waiting = threading.Event()
        self.answered = threading.Event()

    def look(self) -> None:
        self.waiting.set()
        self.answered.wait(LONG)
        raise RuntimeError("what nobody had thought of")


def test_a_disk_that_does_not_answer_is_not_waited_for_at_the_end(desk: Desk) -> None:
    keeper = Stuck(desk)
    spool = Spool(keeper, desk.folder)
    spool.start(bool)
    assert keeper.waiting.wait(LONG)
    desk.box.put(event(1))
    assert not spool.catch_up()
    spool.save()
    spool.leave()
    assert desk.files == []
    keeper.answered.set()
    assert spool._over_within(LONG)  # a failure ends the thread, and what is left is done at the end
    spool.save()
    assert desk.files == ["01"]


def test_only_so_much_time_is_left_for_the_disk_at_the_end(open_desk: OpenDesk) -> None:
    slow = threading.Event()

    def finish(item: object) -> object:
        slow.wait(SAVED_WITHIN / 3)
        return item, True

    desk = open_desk(finish=finish)
    desk.box.put(*(event(number) for number in range(20)))
    Spool(desk.keeper, desk.folder).save()
    assert 1 <= len(desk.files) <= 4


PATCHED = """
import _thread, sys, types
original = _thread.start_new_thread
asked = []
def start_new_thread(function, arguments):
    asked.append("patched")
    return original(function, arguments)
_thread.start_new_thread = start_new_thread
"""

FAKES = {
    "eventlet": """
patcher = types.ModuleType("eventlet.patcher")
def find(name):
    asked.append(name)
    found = types.ModuleType(name)
    found.start_new_thread = original
    return found
patcher.original = find
sys.modules["eventlet.patcher"] = patcher
""",
    "gevent": """
monkey = types.ModuleType("gevent.monkey")
monkey.is_module_patched = lambda name: True
def find(*names):
    asked.extend(names)
    return original
monkey.get_original = find
sys.modules["gevent.monkey"] = monkey
""",
    "another": """
monkey = types.ModuleType("gevent.monkey")
monkey.is_module_patched = lambda name: False
sys.modules["gevent.monkey"] = monkey
""",
}

ENDING = """
from _queue import SimpleQueue
from asyncsentry.delivery.spool import threads
done = SimpleQueue()
threads.start(lambda: done.put(None), "spool", failed=lambda: None)
done.get(timeout=20)
print(*asked)
"""


@pytest.mark.parametrize(
    ("library", "asked"),
    [("eventlet", "_thread"), ("gevent", "_thread start_new_thread"), ("another", "patched")],
)
def test_in_a_patched_program_it_is_a_thread_of_the_system_s_own(tmp_path: Path, library: str, asked: str) -> None:
    path = tmp_path / "program.py"
    path.write_text(PATCHED + FAKES[library] + ENDING)
    done = subprocess.run([sys.executable, "-W", "error", path], capture_output=True, encoding="utf-8", timeout=50)
    assert (done.stdout, done.stderr) == (f"{asked}\n", "")
