"""What an event lacks is found out beside the program, before the event is sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from asyncsentry.delivery import preparation as room
from asyncsentry.delivery.envelope import AT_ONCE
from asyncsentry.delivery.preparation import Preparation
from asyncsentry.testing import LocalSentry
from delivery.material import Known, no_more_threads
from delivery.programs import TRANSPORTS, expected, messages, run

LONG = 20.0


class Found:
    """Something to find out, and which thread did that."""

    def __init__(self, finding: Callable[[], object] = bool) -> None:
        self.finding = finding
        self.by: list[int] = []

    def find_out(self) -> None:
        self.by.append(threading.get_native_id())
        self.finding()


def test_readiness_are_found_out_by_another_thread() -> None:
    readiness, found = Preparation(Known()), [Found() for _ in range(30)]
    assert readiness.known
    readiness.expect(each.find_out for each in found)
    readiness.wait(LONG)
    assert readiness.known
    assert all(len(each.by) == 1 for each in found)
    assert threading.get_native_id() not in {by for each in found for by in each.by}


def test_what_is_to_be_known_besides_is_waited_for_too() -> None:
    besides = Known(known=False)
    readiness = Preparation(besides)
    readiness.find_out()
    readiness.wait(LONG)
    assert not readiness.known
    assert (besides.asked, besides.waited) == (1, [LONG])


def test_a_wait_is_bounded_and_what_comes_meanwhile_is_found_out_by_the_same_thread() -> None:
    go = threading.Event()
    readiness, slow, later = Preparation(Known()), Found(lambda: go.wait(LONG)), Found()
    readiness.expect([slow.find_out])
    readiness.expect([later.find_out])
    readiness.wait(0.05)
    readiness.find_out()
    assert not readiness.known
    assert later.by == []
    go.set()
    readiness.wait(LONG)
    assert readiness.known
    assert slow.by == later.by


def test_who_finds_out_does_not_wait_for_itself() -> None:
    """As a finalizer does that happens to run there and captures."""
    readiness = Preparation(Known())
    waited = []

    def capture() -> None:
        began = time.monotonic()
        readiness.wait(LONG)
        waited.append(time.monotonic() - began)

    readiness.expect([capture])
    readiness.wait(LONG)
    assert readiness.known
    assert len(waited) == 1
    assert waited[0] < LONG / 2


def test_what_cannot_be_found_out_keeps_nothing_waiting() -> None:
    def fail() -> None:
        raise LookupError

    readiness, found = Preparation(Known()), Found()
    with no_more_threads():
        readiness.expect([fail, found.find_out])
    assert readiness.known
    assert found.by


def test_where_no_thread_can_be_started_it_is_found_out_in_place() -> None:
    readiness, found = Preparation(Known()), Found()
    with no_more_threads():
        readiness.expect([found.find_out])
    assert readiness.known
    assert found.by == [threading.get_native_id()]


def test_a_thread_that_was_started_and_does_not_begin_is_not_started_again_at_once() -> None:
    seconds = 0.0
    readiness, found = Preparation(Known(), lambda: seconds), Found()
    readiness._begun = seconds
    readiness.expect([found.find_out])
    assert not readiness.known
    seconds = room.BEGINS_WITHIN
    with no_more_threads():
        readiness.find_out()
    assert readiness.known
    assert found.by


def test_where_the_disk_hangs_the_oldest_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    go, at_it = threading.Event(), threading.Event()
    readiness, found = Preparation(Known()), [Found() for _ in range(room.MOST + 1)]

    def hang() -> None:
        at_it.set()
        go.wait(LONG)

    readiness.expect([hang])
    assert at_it.wait(LONG)
    readiness.expect(each.find_out for each in found)
    go.set()
    readiness.wait(LONG)
    assert [index for index, each in enumerate(found) if not each.by] == [0]


# -- whole programs with large attachments


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("waiting", ["", "    assert await asyncsentry.flush_async(20)\n"], ids=["exit", "flush"])
def test_what_is_large_arrives_compressed_in_every_style(
    tmp_path: Path, sentry: LocalSentry, transport: str, waiting: str
) -> None:
    text = f"""
import asyncio
async def main():
    for number in range(3):
        with asyncsentry.new_scope() as scope:
            scope.add_attachment(b"0123456789abcdef" * {AT_ONCE}, filename="lines.txt")
            capture_message(f"large {{number}}")
    capture_message("small 0")
{waiting}
asyncsentry.init(shutdown_timeout=20)
asyncio.run(main())
"""
    assert run(tmp_path, sentry, text, transport=transport) == ""
    assert messages(sentry) == expected(large=3, small=1)
    assert sum(len(request.body) > AT_ONCE > len(request.raw_body) for request in sentry.requests) == 3


# -- whole programs, whose source is on a slow disk

SLOW = """
class Disk:
    def get_source(self, name):
        wait_for_the_disk()
        return source
source = "1 / 0"
names = {"__name__": "slow", "__loader__": Disk()}
code = compile(source, "/no/such/file.py", "exec")
def fail():
    try:
        exec(code, names)
    except ZeroDivisionError as error:
        assert asyncsentry.capture_exception(error)
"""


def lines(sentry: LocalSentry) -> list[str | None]:
    """The line that failed, of each event."""
    frames = [event["exception"]["values"][0]["stacktrace"]["frames"][-1] for event in sentry.events]
    return [frame.get("context_line") for frame in frames]


@pytest.mark.parametrize("transport", ["auto", "asyncio", "threaded"])
@pytest.mark.parametrize("waiting", ["", "    assert await asyncsentry.flush_async(20)\n"], ids=["exit", "flush"])
def test_no_capture_waits_for_the_disk_and_no_event_goes_without_its_lines(
    tmp_path: Path, sentry: LocalSentry, transport: str, waiting: str
) -> None:
    text = f"""
import asyncio
captured = threading.Event()
def wait_for_the_disk():
    assert captured.wait(20)
{SLOW}
async def main():
    fail()
    captured.set()
    fail()
{waiting}
asyncsentry.init(shutdown_timeout=20)
asyncio.run(main())
"""
    assert run(tmp_path, sentry, text, transport=transport) == ""
    assert lines(sentry) == ["1 / 0", "1 / 0"]


def test_where_a_capture_waits_for_the_server_it_waits_for_the_disk(tmp_path: Path, sentry: LocalSentry) -> None:
    text = f"""
def wait_for_the_disk():
    time.sleep(0.05)
{SLOW}
asyncsentry.init()
fail()
os._exit(0)
"""
    assert run(tmp_path, sentry, text, transport="urllib") == ""
    assert lines(sentry) == ["1 / 0"]


def test_a_disk_that_hangs_costs_an_event_its_lines_and_nothing_else(tmp_path: Path, sentry: LocalSentry) -> None:
    text = f"""
def wait_for_the_disk():
    time.sleep(100)
{SLOW}
asyncsentry.init(shutdown_timeout=20)
fail()
"""
    assert run(tmp_path, sentry, text, transport="threaded") == ""
    assert lines(sentry) == [None]


def test_what_the_parent_did_not_read_before_a_fork_its_child_reads(tmp_path: Path, sentry: LocalSentry) -> None:
    text = f"""
parent = os.getpid()
def wait_for_the_disk():
    if os.getpid() == parent:
        time.sleep(100)
{SLOW}
asyncsentry.init(shutdown_timeout=20)
fail()
child = os.fork()
if not child:
    fail()
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
"""
    assert run(tmp_path, sentry, text, transport="threaded") == ""
    assert sorted(map(str, lines(sentry))) == ["1 / 0", "None"]


def test_the_last_words_of_a_program_have_their_lines(tmp_path: Path, sentry: LocalSentry) -> None:
    """No thread can be started any more, on newer Pythons."""
    text = f"""
def wait_for_the_disk():
    pass
{SLOW}
atexit.register(fail)
asyncsentry.init()
capture_message("early")
assert asyncsentry.flush(20)
"""
    assert run(tmp_path, sentry, text, transport="threaded") == ""
    assert "1 / 0" in [
        value["stacktrace"]["frames"][-1].get("context_line")
        for event in sentry.events
        for value in event.get("exception", {"values": []})["values"]
    ]
