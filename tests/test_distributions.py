"""What is read of installed packages: the same that the standard library reads, and nothing of what is broken."""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest

from asyncsentry.distributions import FILE_BYTES, Distribution, distributions, text_of

Told = tuple[str, str, list[str], list[str], str]
"""A package's name, version, requirements without conditions, commands, and address."""


def ours(path: list[str]) -> list[Told]:
    return sorted(
        (one.name, one.version, names(one.requirements), sorted(one.commands), one.url) for one in distributions(path)
    )


def theirs(path: list[str]) -> list[Told]:
    told = []
    for each in importlib.metadata.distributions(path=path):
        commands = {entry.name for entry in each.entry_points if entry.group == "console_scripts"}
        url = json.loads(each.read_text("direct_url.json") or '{"url": ""}')["url"]
        told.append((each.metadata["Name"], each.version, names(each.requires or ()), sorted(commands), url))
    return sorted(told)


def names(requirements: Iterable[str]) -> list[str]:
    return sorted(re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements)


def test_what_is_installed_here_is_read_as_the_standard_library_reads_it() -> None:
    path = [folder for folder in sys.path if folder]
    assert ours(path) == theirs(path)
    assert "pytest" in [name for name, *_ in ours(path)]


FIELDS: Final = "Metadata-Version: 2.1\nName: Shop\nVersion: 1.2\n"
REQUIRES: Final = "asyncsentry>=1\nidna\n\n[fast]\norjson\n\n[:python_version < '3']\nsix\n"
SCRIPTS: Final = "[gui_scripts]\nshow = a:show\n\n[console_scripts]\n# one\nserve = a:s\nwork=a:w [fast]\n[x]\ny=z\n"
DESCRIBED: Final = FIELDS + "Requires-Dist: asyncsentry\n\nIt said:\nRequires-Dist: another\nVersion: 3\n"
ODD: Final = (
    "Name: Shop\nSummary: one\u2028\u2028two\nDescription: three\n  \x0cVersion: 9\nVersion: 1.2\nRequires-Dist: a\n"
)
LAYOUTS: Final[Mapping[str, Mapping[str, str]]] = {
    "wheel": {"shop-1.2.dist-info/METADATA": DESCRIBED, "shop-1.2.dist-info/entry_points.txt": SCRIPTS},
    "by its address": {
        "shop-1.2.dist-info/METADATA": FIELDS,
        "shop-1.2.dist-info/direct_url.json": '{"url": "file:///shop", "dir_info": {}}',
    },
    "in capitals": {"SHOP-1.2.DIST-INFO/METADATA": DESCRIBED},
    "oddly written": {"shop-1.2.dist-info/METADATA": ODD},
    "ends of lines": {"shop-1.2.dist-info/METADATA": DESCRIBED.replace("\n", "\r\n")},
    "egg": {"shop.egg-info/PKG-INFO": FIELDS, "shop.egg-info/requires.txt": REQUIRES},
    "egg that is a file": {"shop-1.2.egg-info": FIELDS},
    "egg with scripts": {"shop.egg-info/PKG-INFO": DESCRIBED, "shop.egg-info/entry_points.txt": SCRIPTS},
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_whatever_left_it_behind_is_read_as_the_standard_library_reads_it(
    tmp_path: Path, layout: Mapping[str, str]
) -> None:
    lay(tmp_path, layout)
    assert ours([str(tmp_path)]) == theirs([str(tmp_path)])
    assert [(name, version) for name, version, *_ in ours([str(tmp_path)])] == [("Shop", "1.2")]


def test_an_egg_by_itself_is_read_too(tmp_path: Path) -> None:
    egg = tmp_path / "shop.egg"
    lay(egg, {"EGG-INFO/PKG-INFO": FIELDS, "EGG-INFO/requires.txt": REQUIRES, "EGG-INFO/entry_points.txt": SCRIPTS})
    expected = ("Shop", "1.2", ["asyncsentry", "idna", "orjson", "six"], ["serve", "work"], "")
    assert ours([str(egg)]) == theirs([str(egg)]) == [expected]


def test_what_is_in_an_archive_is_read_too(tmp_path: Path) -> None:
    archive = tmp_path / "program.pyz"
    with ZipFile(archive, "w") as file:
        for name, text in LAYOUTS["wheel"].items():
            file.writestr(name, text)
    assert ours([str(archive)]) == theirs([str(archive)]) == [("Shop", "1.2", ["asyncsentry"], ["serve", "work"], "")]


def lay(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))


def only(folder: Path) -> Distribution:
    (found,) = distributions([str(folder)])
    return found


def test_a_folder_that_was_left_behind_tells_nothing(tmp_path: Path) -> None:
    lay(tmp_path, {"~a-1.dist-info/RECORD": ""})
    found = only(tmp_path)
    assert (found.name, found.version, found.url, found.requirements, found.commands) == ("", "", "", [], set())


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "{}", "null", "{", "\udcff"])
def test_an_address_that_is_none_is_not_known(tmp_path: Path, text: str) -> None:
    lay(tmp_path, {"a-1.dist-info/direct_url.json": text})
    assert only(tmp_path).url == ""


def test_what_is_neither_a_folder_nor_an_archive_has_nothing_in_it(tmp_path: Path) -> None:
    lay(tmp_path, {"packages.zip": "PK"})
    assert ours([str(tmp_path / "packages.zip"), str(tmp_path / "gone")]) == []


def test_no_more_is_read_than_a_file_of_this_kind_may_have(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"a" * (FILE_BYTES + 1))
    assert len(text_of(tmp_path / "large", FILE_BYTES)) == FILE_BYTES
