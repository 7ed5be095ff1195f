"""What the program runs on, its threads, its packages."""

from __future__ import annotations

import platform
import sys
import threading
from pathlib import Path

import pytest

from asyncsentry.events.modules import MODULES_LIMIT, installed_modules
from asyncsentry.events.runtime import contexts, current_thread, host_name


def test_the_contexts_say_what_the_program_runs_on() -> None:
    known = contexts()
    assert known["runtime"] == {
        "name": platform.python_implementation(),
        "version": platform.python_version(),
        "build": sys.version,
    }
    system = platform.uname()
    assert known["os"] == {"name": system.system, "version": system.release, "kernel_version": system.version}
    assert known["device"] == {"arch": system.machine}
    assert host_name() == system.node


def test_what_one_event_adds_to_the_contexts_is_not_in_the_next() -> None:
    known = contexts()
    known["mine"] = {}
    assert contexts().keys() == {"runtime", "os", "device"}


def test_a_thread_is_told_by_its_number_and_name() -> None:
    found = []

    def look() -> None:
        found.append(current_thread(crashed=True, frames=[{"function": "f"}]))

    thread = threading.Thread(target=look, name="worker")
    thread.start()
    number = thread.ident
    thread.join()
    assert found == [
        {
            "id": str(number),
            "name": "worker",
            "current": True,
            "crashed": True,
            "main": False,
            "stacktrace": {"frames": [{"function": "f"}]},
        }
    ]
    main = current_thread(crashed=False)
    assert main["main"] is (threading.current_thread() is threading.main_thread())
    assert "stacktrace" not in main


def test_the_packages_of_this_environment_are_found() -> None:
    assert installed_modules()["pytest"] == pytest.__version__


def test_a_package_is_told_by_the_name_of_its_metadata(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, names in (
        (first, ["Some_Package-1.2.dist-info", "old-0.1-py3.10.egg-info", "nothing.dist-info", "plain.py"]),
        (second, ["some_package-0.9.dist-info", "other-2.0.dist-info"]),
    ):
        folder.mkdir()
        for name in names:
            (folder / name).mkdir()
    folders = [str(first), str(second), str(tmp_path / "gone"), str(first / "plain.py")]
    assert installed_modules(folders) == {"old": "0.1", "other": "2.0", "some-package": "1.2"}


def test_the_number_of_packages_is_bounded(tmp_path: Path) -> None:
    for number in range(MODULES_LIMIT + 5):
        (tmp_path / f"package{number}-1.dist-info").mkdir()
    assert len(installed_modules([str(tmp_path)])) == MODULES_LIMIT
