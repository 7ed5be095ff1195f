"""What users get: both packages, typed, and nothing that is only for us."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel built now."""
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("dist")), versions=["standard"])
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_both_packages_and_nothing_else(names: set[str]) -> None:
    folders = {name.partition("/")[0] for name in names}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {
        "asyncsentry",
        "asyncsentry_transports",
    }


def test_the_wheel_holds_every_module(names: set[str]) -> None:
    for base in (ROOT, ROOT / "transports"):
        for path in base.glob("asyncsentry*/**/*.py"):
            assert path.relative_to(base).as_posix() in names


def test_both_packages_say_in_the_wheel_that_they_are_typed(names: set[str]) -> None:
    assert {"asyncsentry/py.typed", "asyncsentry_transports/py.typed"} <= names


def test_the_wheel_holds_the_licence(names: set[str]) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
