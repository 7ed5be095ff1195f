"""Whole programs with a spool, and what becomes of what they captured."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from asyncsentry.client import Client
from asyncsentry.delivery.ledger import Account
from asyncsentry.delivery.spool import names
from asyncsentry.dsn import parse
from asyncsentry.errors import OptionError
from asyncsentry.testing import Answer, Hang, LocalSentry
from delivery.programs import PRELUDE, TRANSPORTS, expected, messages, run
from spool.material import files
from spool.programs import program

LONG = 15.0
DOWN = Answer(503)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def later_run(tmp_path: Path, root: Path, sentry: LocalSentry, count: int, transport: str = "auto") -> None:
    """Another run of the program, while the server is well: all that was left arrives."""
    sentry.always(Answer())
    waiting = f"""
until = time.monotonic() + {LONG}
while sum(account.delivered for account in client.stats().values()) < {count} and time.monotonic() < until:
    time.sleep(0.01)
"""
    run(tmp_path, sentry, program(root, waiting), transport=transport)
    assert files(root) == []
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("transport", ["auto", "threaded", "urllib"])
def test_what_could_not_be_delivered_goes_out_at_the_next_start(
    tmp_path: Path, root: Path, sentry: LocalSentry, transport: str
) -> None:
    sentry.always(DOWN)
    said = run(
        tmp_path,
        sentry,
        program(root, "for number in range(3):\n    capture_message(f'main {number}')", shutdown_timeout=0.2),
        transport=transport,
    )
    assert said == ""
    assert len(files(root)) == 3
    later_run(tmp_path, root, sentry, 3, transport)
    assert messages(sentry) == expected(main=3)


def test_among_greenlets_it_goes_out_from_the_first_capture_on(tmp_path: Path, root: Path, sentry: LocalSentry) -> None:
    """The spool's own thread may have a hub, which nobody runs."""
    sentry.always(DOWN)
    run(tmp_path, sentry, program(root, "capture_message('main 0')", shutdown_timeout=0.2), transport="threaded")
    sentry.always(Answer())
    received = len(sentry.requests)
    patched = """
import _thread, threading
def start(function, arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()
_thread.start_new_thread = start
"""
    text = """
while not client.stats() or not client.stats()["error"].queued:
    time.sleep(0.01)
time.sleep(0.2)
print(client.stats()["error"].queued, flush=True)
capture_message("main 1")
assert asyncsentry.flush(20)
while client.stats()["error"].delivered < 2:
    time.sleep(0.01)
"""
    run(tmp_path, sentry, program(root, text), transport="threaded", first=patched)
    assert len(sentry.requests) == received + 2
    assert messages(sentry) == expected(main=2)


def test_what_is_captured_after_the_end_is_on_disk_too(tmp_path: Path, root: Path, sentry: LocalSentry) -> None:
    sentry.always(DOWN)
    late = "import atexit\natexit.register(lambda: __import__('asyncsentry').capture_message('late 0'))\n"
    path = tmp_path / "program.py"
    path.write_text(late + PRELUDE + program(root, "capture_message('main 0')", shutdown_timeout=0.1))
    done = subprocess.run(
        [sys.executable, "-W", "error", path],
        env={**os.environ, "SENTRY_DSN": sentry.dsn},
        capture_output=True,
        encoding="utf-8",
        timeout=50,
    )
    assert (done.returncode, done.stderr) == (0, "")
    later_run(tmp_path, root, sentry, 2)
    assert messages(sentry) == expected(main=1, late=1)


def test_an_end_without_an_end_loses_nothing_that_is_on_disk(tmp_path: Path, root: Path, sentry: LocalSentry) -> None:
    sentry.always(Hang())
    run(
        tmp_path,
        sentry,
        program(root, "for number in range(5):\n    capture_message(f'main {number}')\nspooled(5)\nos._exit(0)"),
    )
    assert len(files(root)) == 5
    later_run(tmp_path, root, sentry, 5)
    assert messages(sentry).keys() == expected(main=5).keys()  # what was under way may come twice


def test_what_was_accepted_is_not_sent_again(tmp_path: Path, root: Path, sentry: LocalSentry) -> None:
    run(tmp_path, sentry, program(root, "for number in range(20):\n    capture_message(f'main {number}')"))
    assert messages(sentry) == expected(main=20)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("well", [True, False])
def test_sigterm_leaves_on_disk_what_is_not_delivered(
    tmp_path: Path, root: Path, sentry: LocalSentry, well: bool
) -> None:
    sentry.always(Answer() if well else DOWN)
    text = """
for number in range(5):
    capture_message(f"main {number}")
os.kill(os.getpid(), signal.SIGTERM)
"""
    path = tmp_path / "program.py"
    path.write_text(PRELUDE + program(root, text, flush_on_sigterm=True, shutdown_timeout=10 if well else 0.2))
    done = subprocess.run(
        [sys.executable, "-W", "error", path],
        env={**os.environ, "SENTRY_DSN": sentry.dsn},
        capture_output=True,
        encoding="utf-8",
        timeout=50,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
    assert len(files(root)) == (0 if well else 5)
    if not well:
        later_run(tmp_path, root, sentry, 5)
    assert messages(sentry) == expected(main=5)


def test_a_forked_child_has_a_folder_of_its_own(tmp_path: Path, root: Path, sentry: LocalSentry) -> None:
    sentry.always(DOWN)
    text = """
capture_message("parent 0")
spooled(1)
child = os.fork()
if not child:
    seen.count = 0
    capture_message("child 0")
    spooled(1)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
capture_message("parent 1")
spooled(2)
os._exit(0)
"""
    run(tmp_path, sentry, program(root, text), measured=False)
    assert len({path.parent for path in root.glob("*/*.envelope")}) == 2
    later_run(tmp_path, root, sentry, 3)
    assert messages(sentry).keys() == expected(parent=2, child=1).keys()


def test_a_child_that_lives_on_keeps_nothing_of_its_parent_s(tmp_path: Path, root: Path, sentry: LocalSentry) -> None:
    sentry.always(DOWN)
    text = """
capture_message("parent 0")
spooled(1)
child = os.fork()
if not child:
    os.close(1), os.close(2)  # or who reads there would wait for it
    signal.pause()
print(child, flush=True)
os._exit(0)
"""
    path = tmp_path / "program.py"
    path.write_text(PRELUDE + program(root, text))
    done = subprocess.run(
        [sys.executable, path],
        env={**os.environ, "SENTRY_DSN": sentry.dsn},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        timeout=50,
        check=True,
    )
    try:
        later_run(tmp_path, root, sentry, 1)
    finally:
        os.kill(int(done.stdout), signal.SIGKILL)
    assert messages(sentry).keys() == expected(parent=1).keys()


def test_a_child_that_ends_does_not_unlock_its_parent_s_folder(tmp_path: Path, root: Path, sentry: LocalSentry) -> None:
    sentry.always(DOWN)
    text = f"""
capture_message("parent 0")
spooled(1)
child = os.fork()
if not child:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
other = asyncsentry.Client(spool={str(root)!r})
other.capture_message("other 0")
spooled(2)
print(len({{path.parent for path in __import__("pathlib").Path({str(root)!r}).glob("*/*.envelope")}}), file=sys.stderr)
os._exit(0)
"""
    assert run(tmp_path, sentry, program(root, text), measured=False) == "2\n"


# -- in this process


def client_of(sentry: LocalSentry, root: Path, transport: str = "threaded", **options: Any) -> Client[Any]:
    return Client(sentry.dsn_for(transport), spool=root, **options)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_closing_leaves_nothing(root: Path, sentry: LocalSentry, transport: str) -> None:
    client = client_of(sentry, root, transport)
    client.capture_message("the only")
    assert client.flush(LONG)
    client.close(LONG)
    assert list(root.iterdir()) == []
    assert messages(sentry) == Counter(["the only"])


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_closing_keeps_what_is_not_delivered(root: Path, sentry: LocalSentry, transport: str) -> None:
    sentry.always(DOWN)
    client = client_of(sentry, root, transport)
    for number in range(5):
        client.capture_message(f"main {number}")
    client.close(0.1)
    assert client.stats()["error"] == Account(captured=5, spooled=5)
    assert client.losses == {}
    assert len(files(root)) == 5


def test_what_was_left_behind_is_another_process_s_to_do(root: Path, sentry: LocalSentry) -> None:
    """As in a forked child, but that its parent goes on to hold the lock."""
    sentry.always(DOWN)
    client = client_of(sentry, root)
    client.capture_message("kept")
    shipping = client._shipping
    assert shipping is not None
    assert shipping.dispatcher is not None
    assert shipping.dispatcher.spool is not None
    assert shipping.dispatcher.spool.catch_up()
    shipping.leave_behind()
    assert len(files(root)) == 1
    client.close(0.0)


def test_closing_on_a_loop_keeps_what_is_not_delivered(root: Path, sentry: LocalSentry) -> None:
    async def main() -> None:
        client = client_of(sentry, root, "asyncio")
        client.capture_message("kept")
        await client.close_async(0.1)
        assert client.stats()["error"] == Account(captured=1, spooled=1)

    sentry.always(DOWN)
    asyncio.run(main())
    assert len(files(root)) == 1


def test_on_a_loop_what_was_left_goes_out(root: Path, sentry: LocalSentry) -> None:
    async def main() -> None:
        client = client_of(sentry, root, "asyncio")
        client.capture_message("new")
        await asyncio.to_thread(sentry.wait_for_events, 2, LONG)
        await client.close_async(LONG)

    sentry.always(DOWN)
    client = client_of(sentry, root)
    client.capture_message("left")
    client.close(0.1)
    sentry.always(Answer())
    asyncio.run(main())
    assert messages(sentry) == Counter(["left", "new"])
    assert files(root) == []


def test_what_was_left_goes_out_without_a_capture(root: Path, sentry: LocalSentry) -> None:
    sentry.always(DOWN)
    client = client_of(sentry, root)
    for number in range(30):
        client.capture_message(f"main {number}")
    client.close(0.1)
    sentry.always(Answer())
    client = client_of(sentry, root)
    sentry.wait_for_events(30, LONG)
    client.close(LONG)
    assert messages(sentry) == expected(main=30)
    assert client.stats()["error"] == Account(captured=30, delivered=30)


def test_more_than_memory_holds_is_kept(root: Path, sentry: LocalSentry) -> None:
    sentry.always(DOWN)
    client = client_of(sentry, root, queue_bytes=64 * 1024, send_client_reports=False, flood_limit=0)
    kept = 0
    while kept < 100:
        client.capture_message("one of many")
        account = client.stats()["error"]
        kept = account.queued + account.in_flight + account.spooled
    client.close(0.1)
    account = client.stats()["error"]
    assert account.spooled == kept
    assert account.captured == kept + account.lost.get("queue_overflow", 0)  # while the disk was behind
    sentry.always(Answer())
    client = client_of(sentry, root)
    sentry.wait_for_events(kept, LONG)
    client.close(LONG)
    assert len(sentry.events) == kept


def test_files_hold_no_secret_key_and_say_where_they_go(root: Path, sentry: LocalSentry) -> None:
    sentry.always(DOWN)
    dsn = sentry.dsn.replace("@", ":hidden@")
    client: Client[Any] = Client(dsn, transport="threaded", spool=str(root))
    client.capture_message("kept")
    client.close(0.1)
    (path,) = root.glob("*/*.envelope")
    text = path.read_bytes()
    assert b"hidden" not in text
    assert names.destination(parse(sentry.dsn)).encode() in text


def test_a_path_that_cannot_be_a_folder_is_an_error_at_set_up(tmp_path: Path, sentry: LocalSentry) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="spool: no file can be made in"):
        client_of(sentry, tmp_path / "file")
    assert not any(path.name == "spool" for path in tmp_path.iterdir())


@pytest.mark.parametrize("fsync", [False, True])
def test_power_cuts_may_be_thought_of(root: Path, sentry: LocalSentry, fsync: bool) -> None:
    sentry.always(DOWN)
    client = client_of(sentry, root, spool_fsync=fsync)
    client.capture_message("kept")
    client.close(0.1)
    assert len(files(root)) == 1
