"""What is true of the whole program is found out once, beside the program."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from asyncsentry.facts import Facts

PATIENCE = 20.0


def found_out(release: str | None, root: Path, environ: Mapping[str, str]) -> Facts:
    facts = Facts(release, str(root), environ)
    facts.find_out()
    facts.wait(PATIENCE)
    assert facts.known
    return facts


def test_release_and_packages_are_found_out(tmp_path: Path) -> None:
    facts = Facts(None, str(tmp_path), {"SENTRY_RELEASE": "shop@1"})
    assert not facts.known
    assert facts.fields() == {}
    assert facts.missing == ("modules", "release")
    facts.find_out()
    facts.wait(PATIENCE)
    assert facts.missing == ()
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
        def get(self, *_: object) -> str:  # type: ignore[override]  # it only fails
            raise OSError

        __getitem__ = get  # type: ignore[assignment]

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
        def get(self, *_: object) -> str:  # type: ignore[override]  # slow, as a disk in a network may be
            looked.set()
            go.wait(PATIENCE)
            return "shop@1"

        __getitem__ = get  # type: ignore[assignment]

    facts = Facts(None, str(tmp_path), Slow())
    facts.find_out()
    assert looked.wait(PATIENCE)
    facts.wait(0.05)
    assert not facts.known
    go.set()
    facts.wait(PATIENCE)
    assert facts.known


def test_many_threads_find_out_once(tmp_path: Path) -> None:
    looks = []

    class Counting(dict[str, str]):
        def __contains__(self, name: object) -> bool:
            looks.append(name)
            return False

        def get(self, name: str, default: object = None) -> str:  # type: ignore[override]
            looks.append(name)
            return "shop@1"

    facts = Facts(None, str(tmp_path), Counting())
    threads = [threading.Thread(target=facts.find_out) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    facts.wait(PATIENCE)
    assert facts.known
    assert len(looks) == len(set(looks))


def test_where_no_thread_can_be_started_the_caller_finds_out(tmp_path: Path) -> None:
    usual = threading.stack_size(1 << 46)  # more than there is: as at the end of the interpreter, starting one fails
    try:
        facts = Facts(None, str(tmp_path), {"SENTRY_RELEASE": "shop@1"})
        facts.find_out()
    finally:
        threading.stack_size(usual)
    assert facts.known
    assert facts.release == "shop@1"
