"""What is read of installed packages: the same that the standard library reads, and nothing of what is broken."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path

import pytest

from asyncsentry.distributions import FILE_BYTES, Distribution, distributions, text_of


def test_what_is_installed_here_is_read_as_the_standard_library_reads_it() -> None:
    ours = {each.folder: each for each in distributions(sys.path) if each.folder.suffix == ".dist-info"}
    theirs = [
        each
        for each in importlib.metadata.distributions(path=sys.path)
        if isinstance(each, importlib.metadata.PathDistribution)
    ]
    compared = 0
    for each in theirs:
        one = ours.get(Path(str(each._path)))  # type: ignore[attr-defined,unused-ignore]  # it says so nowhere else
        if one is None:
            continue
        compared += 1
        assert (one.name, one.version) == (each.metadata["Name"], each.version)
        assert one.requirements == (each.requires or [])
        assert one.commands == {entry.name for entry in each.entry_points if entry.group == "console_scripts"}
        direct = each.read_text("direct_url.json")
        assert one.url == (json.loads(direct)["url"] if direct else "")
    assert compared > 1


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path


def install(site: Path, folder: str, **files: str) -> None:
    (site / folder).mkdir()
    for name, text in files.items():
        (site / folder / name).write_text(text, encoding="utf-8", errors="surrogateescape")


def only(site: Path) -> Distribution:
    (found,) = distributions([str(site)])
    return found


def test_what_describes_a_package_is_none_of_its_fields(site: Path) -> None:
    install(site, "a-1.dist-info", METADATA="Name: a\nVersion: 1\n\nIt said:\nRequires-Dist: b\nVersion: 2\n")
    assert (only(site).name, only(site).version, only(site).requirements) == ("a", "1", [])


def test_an_egg_tells_as_much(site: Path) -> None:
    metadata, scripts = "Name: a\nVersion: 1\nRequires-Dist: b\n", "[console_scripts]\nc = a:c\n"
    install(site, "a.egg-info", **{"PKG-INFO": metadata, "entry_points.txt": scripts})
    assert (only(site).name, only(site).requirements, only(site).commands) == ("a", ["b"], {"c"})


def test_the_scripts_of_one_group_alone_are_commands(site: Path) -> None:
    scripts = "[gui_scripts]\nshow = a:show\n\n[console_scripts]\n; one\nserve = a:serve\nwork=a:work [b]\n[x]\ny=z\n"
    install(site, "a-1.dist-info", **{"entry_points.txt": scripts})
    assert only(site).commands == {"serve", "work"}


def test_a_folder_that_was_left_behind_tells_nothing(site: Path) -> None:
    install(site, "~a-1.dist-info", RECORD="")
    found = only(site)
    assert (found.name, found.version, found.url, found.requirements, found.commands) == ("", "", "", [], set())


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "{}", "null", "{", "\udcff"])
def test_an_address_that_is_none_is_not_known(site: Path, text: str) -> None:
    install(site, "a-1.dist-info", **{"direct_url.json": text})
    assert only(site).url == ""


def test_a_file_where_a_folder_should_be_tells_nothing(site: Path) -> None:
    (site / "a-1.egg-info").write_text("Name: a\n")
    assert only(site).name == ""


def test_what_is_no_folder_has_nothing_in_it(site: Path) -> None:
    archive = site / "packages.zip"
    archive.write_bytes(b"PK")
    assert list(distributions([str(archive), str(site / "gone")])) == []


def test_no_more_is_read_than_a_file_of_this_kind_may_have(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"a" * (FILE_BYTES + 1))
    assert len(text_of(tmp_path / "large", FILE_BYTES)) == FILE_BYTES
