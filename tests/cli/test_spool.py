"""``asyncsentry spool``: what waits on disk is listed, sent and removed by hand."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path

import pytest

from asyncsentry.cli import quantities
from asyncsentry.cli.progress import Progress
from asyncsentry.delivery.spool import envelopes, names
from asyncsentry.delivery.spool.folder import Folder
from asyncsentry.dsn import parse
from asyncsentry.item import Attachment, Item
from asyncsentry.testing import Answer, Hang, LocalSentry, Reset
from cli.conftest import Command, Started, interrupt

DAY = 86400.0


class Left:
    """What a program has left for a server; it runs on until `end`."""

    def __init__(self, root: Path, dsn: str) -> None:
        self._dsn = parse(dsn)
        self._folder = Folder(str(root), names.digest(self._dsn), durable=False)

    def add(
        self,
        number: int,
        payload: Mapping[str, object],
        type: str = "event",
        *,
        age: float = 60.0,
        attachments: tuple[Attachment, ...] = (),
    ) -> None:
        id = f"{number:032x}"
        whole = {"event_id": id, "timestamp": time.time(), "platform": "python", **payload}
        item = Item(type, "error", whole, 0, id, attachments)
        self.add_file(number, envelopes.write(item, names.destination(self._dsn)), age=age)

    def add_file(self, number: int, data: bytes, *, age: float = 60.0) -> None:
        self._folder.write(names.new_file(time.time() - age, number, f"{number:032x}"), data)

    def end(self) -> None:
        self._folder.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.fixture
def left(root: Path, sentry: LocalSentry) -> Iterator[Left]:
    made = Left(root, sentry.dsn)
    yield made
    made.end()


def message(text: str) -> dict[str, object]:
    return {"logentry": {"formatted": text}}


def ids(sentry: LocalSentry) -> list[int]:
    return [int(event["event_id"], 16) for event in sentry.events]


# -- list


def test_list_shows_what_waits_for_each_server(
    asyncsentry: Command, root: Path, left: Left, sentry: LocalSentry
) -> None:
    left.add(1, {"exception": {"values": [{"type": "KeyError", "value": "tea\x1b[31m"}]}}, age=3 * 3600)
    left.add(2, message("hello"), age=90)
    left.add(3, {"transaction": "GET /"}, "transaction")
    left.end()
    other = Left(root, f"https://{'b' * 32}@sentry.example.org/2")
    other.add(4, message("x" * 200))
    done = asyncsentry("spool", "list", str(root))
    other.end()
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{sentry.dsn}: 3 envelopes, ")
    assert lines[1].split()[:2] == ["3", "h"]
    assert lines[1].endswith(f"{1:032x}  KeyError: tea [31m")
    assert lines[2].endswith(f"{2:032x}  hello")
    assert lines[3].endswith(f"{3:032x}  GET /")
    assert lines[5].startswith("https://")
    assert " held " in lines[6]
    assert "1 of them held by running programs" in lines[7]
    assert max(map(len, lines)) <= 100


def test_list_shows_what_cannot_be_read(asyncsentry: Command, root: Path, left: Left) -> None:
    left.add_file(1, b"?")
    for number, payload in enumerate([b"[]", b"\xff", b'{"exception":7}'], start=2):
        left.add_file(number, envelopes.write(Item("event", "error", payload, 0, f"{number:032x}"), ""))
    (root / names.ASIDE).mkdir()
    (root / names.ASIDE / "letter.txt").touch()
    done = asyncsentry("spool", "list", str(root))
    assert (done.returncode, done.stderr) == (0, "")
    assert "(no destination): 4 envelopes" in done.stdout
    assert done.stdout.count("no envelope of ours") == 4
    assert "Set aside, as they are no envelopes or were refused: 1 in " in done.stdout


def test_list_as_json_has_a_line_for_each(asyncsentry: Command, root: Path, left: Left, sentry: LocalSentry) -> None:
    left.add(1, message("hello"))
    left.add_file(2, b"?")
    done = asyncsentry("spool", "list", "--json", str(root))
    one, two = map(json.loads, done.stdout.splitlines())
    assert 60 <= one.pop("age") < 120
    assert Path(one.pop("path")).exists()
    assert one.pop("bytes") > 100
    assert one == {"event_id": f"{1:032x}", "what": "hello", "dsn": sentry.dsn, "held": True}
    assert (two["what"], two["dsn"]) == ("", None)


def test_where_nothing_waits_that_is_said(asyncsentry: Command, root: Path) -> None:
    assert asyncsentry("spool", "list", str(root)).stdout == "Nothing waits there.\n"
    assert asyncsentry("spool", "purge", str(root)).stdout == "Removed 0 envelopes, 0 B.\n"
    done = asyncsentry("spool", "send", str(root))
    assert (done.returncode, done.stdout) == (0, "Sent: 0 envelopes.\n")


@pytest.mark.parametrize(
    "arguments",
    [("list",), ("list", "/nowhere"), ("send", "/nowhere"), ("purge", "/nowhere"), ("send", "/", "--dsn", "x")],
)
def test_a_call_that_makes_no_sense_is_a_mistake(asyncsentry: Command, arguments: tuple[str, ...]) -> None:
    done = asyncsentry("spool", *arguments)
    assert done.returncode == 2
    assert "asyncsentry" in done.stderr


# -- send


def test_send_brings_all_to_its_server(asyncsentry: Command, root: Path, left: Left, sentry: LocalSentry) -> None:
    left.add(2, message("second"), age=20, attachments=(Attachment(b"data", "a.txt"),))
    left.add(1, message("first"), age=30)
    left.end()
    done = asyncsentry("spool", "send", str(root))
    assert (done.returncode, done.stdout, done.stderr) == (0, "Sent: 2 envelopes.\n", "")
    assert ids(sentry) == [1, 2]
    assert [item.type for item in sentry.envelopes[1].items] == ["event", "attachment"]
    assert list(root.iterdir()) == []


def test_send_leaves_to_running_programs_what_is_theirs(
    asyncsentry: Command, root: Path, left: Left, sentry: LocalSentry
) -> None:
    left.add(1, message("held"))
    done = asyncsentry("spool", "send", str(root))
    assert done.returncode == 0
    assert "Left to the running programs that hold them: 1 envelope." in done.stdout
    assert sentry.requests == ()


def test_send_may_send_elsewhere(asyncsentry: Command, root: Path, sentry: LocalSentry) -> None:
    left = Left(root, f"https://{'b' * 32}@sentry.example.org/2")
    left.add(1, message("redirected"))
    left.add_file(2, envelopes.write(Item("event", "error", {"event_id": f"{2:032x}"}, 0, f"{2:032x}"), ""))
    left.end()
    done = asyncsentry("spool", "send", str(root), "--dsn", f"{sentry.dsn_for('aiohttp')}?compress=0")
    assert done.returncode == 0
    assert ids(sentry) == [1, 2]
    assert "content-encoding" not in sentry.requests[0].headers


def test_a_dsn_with_an_option_that_does_not_exist_is_a_mistake(asyncsentry: Command, root: Path, left: Left) -> None:
    left.add(1, message("there"))
    left.end()
    done = asyncsentry("spool", "send", str(root), "--dsn", f"http://{'a' * 32}@127.0.0.1/1?colour=red")
    assert done.returncode == 2
    assert "colour" in done.stderr
    assert len(list(root.glob("*/*.envelope"))) == 1


def test_send_leaves_what_does_not_say_where_it_goes(asyncsentry: Command, root: Path, left: Left) -> None:
    left.add_file(1, envelopes.write(Item("event", "error", {}, 0, f"{1:032x}"), ""))
    left.end()
    done = asyncsentry("spool", "send", str(root))
    assert done.returncode == 1
    assert "Left: 1 envelope." in done.stderr
    assert "give --dsn" in done.stderr


@pytest.mark.parametrize("reply", [Answer(503), Answer(403), Answer(302), Reset()])
def test_send_leaves_what_the_server_does_not_take_now(
    asyncsentry: Command, root: Path, left: Left, sentry: LocalSentry, reply: Answer | Reset
) -> None:
    for number in range(3):
        left.add(number, message("waits"))
    left.end()
    sentry.always(reply)
    done = asyncsentry("spool", "send", str(root))
    assert done.returncode == 1
    assert "Left: 3 envelopes." in done.stderr
    assert len(sentry.requests) == 1
    assert len(list(root.glob("*/*.envelope"))) == 3


def test_send_obeys_limits(asyncsentry: Command, root: Path, left: Left, sentry: LocalSentry) -> None:
    for number in range(3):
        left.add(number, message("limited"), age=60 - number)
    left.add(3, message("with an attachment"), age=70, attachments=(Attachment(b"data", "a"),))
    left.add(4, {"transaction": "GET /", "start_timestamp": time.time()}, "transaction", age=10)
    left.end()
    sentry.answer(Answer(429, {"X-Sentry-Rate-Limits": "60:attachment:key"}))
    sentry.answer(Answer(200, {"X-Sentry-Rate-Limits": "60:error:key"}))
    done = asyncsentry("spool", "send", str(root))
    assert done.returncode == 1
    assert "Sent: 2 envelopes." in done.stdout
    assert "Refused: 1 envelope." in done.stderr
    assert "Left: 2 envelopes." in done.stderr
    assert "takes no more of them for a while" in done.stderr
    assert len(list(root.glob("*/*.envelope"))) == 2


def test_send_leaves_attachments_while_they_are_limited(
    asyncsentry: Command, root: Path, left: Left, sentry: LocalSentry
) -> None:
    left.add(1, message("first"), age=70)
    left.add(2, message("with an attachment"), attachments=(Attachment(b"data", "a"),))
    left.end()
    sentry.answer(Answer(200, {"X-Sentry-Rate-Limits": "60:attachment:key"}))
    assert asyncsentry("spool", "send", str(root)).returncode == 1
    assert ids(sentry) == [1]


def test_send_sets_aside_what_is_refused_and_what_is_no_envelope(
    asyncsentry: Command, root: Path, left: Left, sentry: LocalSentry
) -> None:
    left.add(1, message("too large"))
    left.add_file(2, b"?")
    left.end()
    sentry.always(Answer(413))
    done = asyncsentry("spool", "send", str(root))
    assert done.returncode == 1
    assert "Refused: 2 envelopes." in done.stderr
    assert "status 413" in done.stderr
    assert len(os.listdir(root / names.ASIDE)) == 2
    assert [path.name for path in root.iterdir()] == [names.ASIDE]


def test_at_ctrl_c_send_says_how_far_it_came(start: Started, root: Path, left: Left, sentry: LocalSentry) -> None:
    for number in range(5):
        left.add(number, message("waits"), age=60 - number)
    left.end()
    sentry.answer(*[Answer()] * 2, Hang())
    sending = start("spool", "send", str(root))
    sentry.wait_for(lambda: len(sentry.requests) > 2, 20.0)
    assert interrupt(sending) == (130, "Sent: 2 envelopes.\n", "Left: 3 envelopes.\n   interrupted\n")
    assert len(list(root.glob("*/*.envelope"))) == 3


def test_send_leaves_what_it_cannot_read(asyncsentry: Command, root: Path, left: Left) -> None:
    left.add(1, message("there"))
    (file,) = root.glob("*/*.envelope")
    file.unlink()
    file.mkdir()
    left.end()
    done = asyncsentry("spool", "send", str(root))
    assert done.returncode == 1
    assert "Is a directory" in done.stderr
    done = asyncsentry("spool", "purge", str(root))
    assert done.returncode == 2
    assert "the spool cannot be used" in done.stderr
    assert asyncsentry("spool", "list", str(root)).stdout == "Nothing waits there.\n"


def test_a_lock_that_is_none_is_somebody_else_s(asyncsentry: Command, root: Path, left: Left) -> None:
    left.add(1, message("there"))
    left.end()
    (lock,) = root.glob("*/lock")
    lock.unlink()
    lock.mkdir()
    assert "1 of them held" in asyncsentry("spool", "list", str(root)).stdout


def test_on_a_terminal_a_bar_shows_how_far_it_is(root: Path, left: Left, sentry: LocalSentry) -> None:
    left.add(1, message("first"))
    left.add(2, message("second"))
    left.end()
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "asyncsentry", "spool", "send", str(root)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        encoding="utf-8",
        timeout=50,
        check=True,
    )
    os.close(theirs)
    drawn = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "2 of 2" in drawn
    assert done.stdout == "Sent: 2 envelopes.\n"


def test_elsewhere_there_is_no_bar() -> None:
    stream = StringIO()
    progress = Progress(2, stream)
    progress.step()
    progress.end()
    assert stream.getvalue() == ""


# -- purge


def test_purge_removes_what_no_running_program_has(asyncsentry: Command, root: Path, left: Left) -> None:
    left.add(1, message("gone"))
    left.end()
    (root / names.ASIDE).mkdir()
    (root / names.ASIDE / "letter.txt").touch()
    running = Left(root, f"https://{'b' * 32}@sentry.example.org/2")
    running.add(2, message("held"))
    done = asyncsentry("spool", "purge", str(root))
    running.end()
    assert done.returncode == 0
    assert done.stdout.startswith("Removed 1 envelope, ")
    assert "Left 1 envelope to the running programs" in done.stdout
    assert len(list(root.glob("*/*.envelope"))) == 1
    assert os.listdir(root / names.ASIDE) == []


def test_purge_may_leave_what_is_new(asyncsentry: Command, root: Path, left: Left) -> None:
    left.add(1, message("old"), age=3 * DAY)
    left.add(2, message("new"), age=DAY)
    left.end()
    (root / names.ASIDE).mkdir()
    (root / names.ASIDE / "letter.txt").touch()
    assert "Removed 1 envelope" in asyncsentry("spool", "purge", str(root), "--older-than", "2").stdout
    assert [path.name[-11:-9] for path in root.glob("*/*.envelope")] == ["02"]
    assert os.listdir(root / names.ASIDE) == ["letter.txt"]


def test_what_tells_of_a_crash_is_left_to_the_program(
    asyncsentry: Command, root: Path, left: Left, sentry: LocalSentry
) -> None:
    left.add(1, message("there"))
    (folder,) = root.iterdir()
    left.end()
    told = {names.FATAL, names.new_folder("0" * 16) + names.CRASH}
    for name in told:
        (folder / name).write_text("Fatal Python error: Aborted\n")
    assert len(asyncsentry("spool", "list", "--json", str(root)).stdout.splitlines()) == 1
    assert asyncsentry("spool", "send", str(root)).stdout == "Sent: 1 envelope.\n"
    assert ids(sentry) == [1]
    assert asyncsentry("spool", "purge", str(root)).stdout == "Removed 0 envelopes, 0 B.\n"
    assert set(os.listdir(folder)) == {*told, names.LOCK}


# -- quantities


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0 s"), (59.9, "59 s"), (61, "1 min"), (7200, "2 h"), (200_000, "2 d")]
)
def test_an_age_is_shown_in_its_largest_unit(seconds: float, shown: str) -> None:
    assert quantities.age(seconds) == shown


@pytest.mark.parametrize(("count", "shown"), [(999, "999 B"), (1500, "2 kB"), (2_500_000, "2.5 MB")])
def test_a_size_is_shown_in_its_largest_unit(count: int, shown: str) -> None:
    assert quantities.size(count) == shown
