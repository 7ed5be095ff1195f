"""What is true of the whole program is found out once, beside the program."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from asyncsentry import process
from asyncsentry.facts import Facts
from delivery.material import no_more_threads

PATIENCE = 20.0


def found_out(release: str | None, root: Path, environ: Mapping[str, str]) -> Facts:
    """Facts that this thread has found out itself."""
    facts = Facts(release, str(root), environ)
    with no_more_threads():
        facts.find_out()
    assert facts.known
    return facts


def is_asking(thread: threading.Thread) -> bool:
    """Whether the thread is in `find_out`, and has got no further for a moment."""
    for _ in range(3):
        frame = sys._current_frames().get(thread.ident or 0)
        if frame is None or frame.f_code is not Facts.find_out.__code__:
            return False
        time.sleep(0.001)
    return True


def test_release_and_packages_are_found_out(tmp_path: Path) -> None:
    facts = Facts(None, str(tmp_path), {"SENTRY_RELEASE": "shop@1"})
    assert not facts.known
    assert facts.fields() == {}
    assert facts.missing == ("modules", "release")
    facts.find_out()
    facts.wait(PATIENCE)
    assert not facts.missing
    fields = facts.fields()
    assert fields["release"] == "shop@1"
    assert "pytest" in fields["modules"]


def test_what_the_application_said_is_not_looked_for(tmp_path: Path) -> None:
    facts = Facts("mine@2", str(tmp_path), {"SENTRY_RELEASE": "shop@1"})
    assert facts.fields() == {"release": "mine@2"}
    assert facts.missing == ("modules",)
    assert found_out("mine@2", tmp_path, {"SENTRY_RELEASE": "shop@1"}).release == "mine@2"
    assert "release" not in found_out("", tmp_path, {"SENTRY_RELEASE": "shop@1"}).fields()


def test_a_release_that_servers_refuse_is_not_sent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    facts = found_out(None, tmp_path, {"SENTRY_RELEASE": "a/b"})
    assert facts.release is None
    assert Facts("..", str(tmp_path), {}).fields() == {}
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


def test_what_cannot_be_found_out_is_known_to_be_unknown(tmp_path: Path) -> None:
    class Broken(dict[str, str]):
        def get(self, *_: object) -> str:  # it only fails
            raise OSError

        __getitem__ = get

    facts = found_out(None, tmp_path, Broken())
    assert facts.release is None


def test_who_waits_for_what_nobody_began_waits_for_nothing(tmp_path: Path) -> None:
    began = time.monotonic()
    facts = Facts(None, str(tmp_path), {})
    facts.wait(PATIENCE)
    assert not facts.known
    assert time.monotonic() - began < PATIENCE / 2


def test_a_wait_is_bounded(tmp_path: Path) -> None:
    looked, go = threading.Event(), threading.Event()

    class Slow(dict[str, str]):
        def get(self, *_: object) -> str:  # slow, as a disk in a network may be
            looked.set()
            go.wait(PATIENCE)
            return "shop@1"

        __getitem__ = get

    facts = Facts(None, str(tmp_path), Slow())
    facts.find_out()
    assert looked.wait(PATIENCE)
    facts.wait(0.05)
    assert not facts.known
    go.set()
    facts.wait(PATIENCE)
    assert facts.known


def test_who_finds_out_does_not_wait_for_itself(tmp_path: Path) -> None:
    """As a finalizer does that happens to run there and captures."""
    waited: list[float] = []

    class Capturing(dict[str, str]):
        def get(self, *_: object) -> str:
            began = time.monotonic()
            facts.wait(PATIENCE)
            waited.append(time.monotonic() - began)
            return "shop@1"

        __getitem__ = get

    facts = Facts(None, str(tmp_path), Capturing())
    facts.find_out()
    facts.wait(PATIENCE)
    assert facts.known
    assert waited
    assert max(waited) < PATIENCE / 2


def test_many_threads_find_out_once(tmp_path: Path) -> None:
    looks = []

    class Counting(dict[str, str]):
        def __contains__(self, name: object) -> bool:
            looks.append(name)
            return False

        def get(self, name: str, default: object = None) -> str:
            looks.append(name)
            return "shop@1"

    facts = Facts(None, str(tmp_path), Counting())
    threads = [threading.Thread(target=facts.find_out) for _ in range(8)]
    with process.loading:  # as over a fork: all of them wait, and each then finds out that it was not the first
        for thread in threads:
            thread.start()
        while not all(map(is_asking, threads)):
            time.sleep(0.01)
    for thread in threads:
        thread.join(PATIENCE)
    facts.wait(PATIENCE)
    assert facts.known
    assert len(looks) == len(set(looks))


def test_where_no_thread_can_be_started_the_caller_finds_out(tmp_path: Path) -> None:
    facts = found_out(None, tmp_path, {"SENTRY_RELEASE": "shop@1"})
    assert facts.release == "shop@1"
