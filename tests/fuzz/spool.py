"""Whatever is in a spool's folder: the next start takes it, sends what a server takes, and counts what it drops."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from asyncsentry.delivery.envelope import Packer
from asyncsentry.delivery.spool import names
from asyncsentry.delivery.spool.crashes import Crash, Crashes
from asyncsentry.delivery.spool.envelopes import write
from asyncsentry.delivery.spool.shelf import MAX_AGE
from asyncsentry.events.fatal import fatal_events
from asyncsentry.events.rules import Rules
from asyncsentry.events.trimming import Trimming
from asyncsentry.item import Attachment, Item
from asyncsentry.json import encode
from asyncsentry.strict_json import decode_object
from asyncsentry.testing.envelopes import parse
from asyncsentry.transport.protocol import Request
from delivery.material import OK, WALL
from fuzz.feed import Feed
from fuzz.snapshot import judge
from spool.material import DESTINATION, DIGEST, Desk

WORDS = (
    *(b'{"event_id":"', b'"length":', b'"type":"event"', b'"type":"attachment"', b'"trace":', b'"dsn":', b"\n", b"{}"),
    *(
        b"NaN",
        b"1e999",
        b"\\ud800",
        b"\xff",
        b"null",
        b"[",
        b"{",
        b"-1",
        b"Fatal Python error: Aborted\n",
        b"Thread 0x1",
    ),
    *(b"Current thread 0x00007f (most recent call first):\n", b'  File "a.py", line 1 in f\n', b"line ??? in f"),
)

MOST_ROUNDS = 20
"""There never is so much to do."""

ODD_NAMES = (
    "x",
    "lock",
    "a.envelope",
    "b.part",
    names.FATAL,
    f"{'0' * 16}-{'1' * 16}{names.CRASH}",
    "\udcff",
    "é.part",
)

PACK = Packer("http://127.0.0.1/", {}, {"name": "sdk"}, dict, Trimming, None)


def target(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root, feed = Path(folder, "spool"), Feed(data)
        left = leave(root, feed)
        desk = Desk(root)
        crashes, rounds = Crashes(desk.folder, report), 0
        desk.work()
        while desk.shelf.waits or desk.folder.crashes:
            rounds += 1
            assert rounds < MOST_ROUNDS
            crashes.report_next()
            crashes.forget_reported()
            desk.bring_back()
            send(desk)
            desk.work()
        accounts = desk.box.outbox.accounts()
        counted = [account for category, account in accounts.items() if category != "attachment"]
        assert sum(account.captured for account in counted) == left
        assert sum(account.delivered + sum(account.lost.values()) for account in counted) == left
        desk.end()
        left_over = [path.name for path in root.rglob("*") if path.is_file() and names.ASIDE not in path.parts]
        assert {*left_over} <= {names.LOCK}  # beside what is no file


def leave(root: Path, feed: Feed) -> int:
    """Leave files as a process would that is gone, or as nobody would; gives how many are called envelopes."""
    count = 0
    for number in range(1 + feed.below(3)):
        folder = root / f"{DIGEST}-{number:016x}"
        folder.mkdir(parents=True)
        for _ in range(1 + feed.below(3)):
            path = folder / a_name(feed, count)
            if path.exists():
                continue
            if feed.below(16) == 1 and path.name != names.LOCK:
                feed.choose((os.mkdir, os.mkfifo))(path)
            else:
                path.write_bytes(contents(feed, count))
                count += names.is_file(path.name)
    return count


def a_name(feed: Feed, number: int) -> str:
    if feed.below(4) == 1:
        return feed.choose(ODD_NAMES)
    age = MAX_AGE + 1 if feed.below(8) == 1 else feed.below(100)
    return names.new_file(WALL - age, number, f"{number:032x}")


def contents(feed: Feed, number: int) -> bytes:
    """A file that was written as it should be, what became of one, or anything."""
    if feed.below(4) == 1:
        return feed.take(feed.below(256))
    type = feed.choose(("event", "transaction", "check_in"))
    attachments = (Attachment(feed.chunk(), feed.text()),) if feed.flag() else ()
    trace = {"public_key": "k", "release": feed.text()} if feed.flag() else None
    item = Item(
        type, "error", {"event_id": f"{number:032x}", "a": feed.text()}, 1, f"{number:032x}", attachments, trace
    )
    whole = write(item, DESTINATION)
    for _ in range(feed.below(4)):
        at, new = feed.below(256) % (1 + len(whole)), feed.take(feed.below(8))
        harmed = (whole[: at + 1], whole[:at] + new + whole[at + len(new) :], whole[:at] + new + whole[at + 1 :])
        whole = feed.choose(harmed)
    return whole


def send(desk: Desk) -> None:
    """Send all that was brought back, to a server that takes no rubbish."""
    while not desk.box.outbox.due(desk.box.clock()):
        lease = desk.box.outbox.next(desk.box.clock(), 1)
        if lease is None:
            return
        request = PACK(lease)
        assert isinstance(request, Request)
        parse(request.body)
        desk.box.settle(lease, OK)


def report(crash: Crash) -> bool:
    for event in fatal_events(crash.text, crash.seconds, crash.origin, Rules()):
        assert decode_object(encode(event))
        judged = judge()
        assert judged is None or judged(event) == []
    return True
