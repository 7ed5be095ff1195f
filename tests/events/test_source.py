"""Lines of source: of files, of what is typed in, of archives."""

from __future__ import annotations

import importlib
import linecache
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from asyncsentry.events.freezing import Freezer
from asyncsentry.events.source import CACHE_LIMIT, FILE_LIMIT, lines_of


def test_the_lines_of_a_file_come_without_their_ends(tmp_path: Path, freezer: Freezer) -> None:
    file = tmp_path / "code.py"
    file.write_bytes(b"a = 1\r\nb = 2\rc = '\x0c'\nd = '\xe2\x80\xa8'\n")
    assert lines_of(str(file), {}, freezer) == ["a = 1", "b = 2", "c = '\x0c'", "d = '\u2028'", ""]


def test_a_file_is_read_once(tmp_path: Path, freezer: Freezer) -> None:
    file = tmp_path / "code.py"
    file.write_text("a = 1")
    first = lines_of(str(file), {}, freezer)
    assert lines_of(str(file), {}, freezer) is first


def test_a_file_that_was_changed_is_read_again(tmp_path: Path, freezer: Freezer) -> None:
    file = tmp_path / "code.py"
    file.write_text("a = 1")
    assert lines_of(str(file), {}, freezer) == ["a = 1"]
    file.write_text("something = 'else'")
    assert lines_of(str(file), {}, freezer) == ["something = 'else'"]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"# -*- coding: latin-1 -*-\nname = '\xe9'", ["# -*- coding: latin-1 -*-", "name = 'é'"]),
        (b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n'\x80'", None),
        (b"\xef\xbb\xbfname = 1", ["name = 1"]),
        (b"# coding: no-such-coding\n'\xff'", ["# coding: no-such-coding", "'\ufffd'"]),
        (b"'\xff'", ["'\ufffd'"]),
    ],
)
def test_a_file_is_decoded_as_the_compiler_does_and_never_fails(
    tmp_path: Path, freezer: Freezer, content: bytes, lines: list[str] | None
) -> None:
    file = tmp_path / "code.py"
    file.write_bytes(content)
    expected = ["#!/usr/bin/python", "# vim: set fileencoding=cp1252 :", "'€'"] if lines is None else lines
    assert lines_of(str(file), {}, freezer) == expected


def test_a_huge_file_has_no_lines(tmp_path: Path, freezer: Freezer) -> None:
    file = tmp_path / "code.py"
    file.write_bytes(b"#" * (FILE_LIMIT + 1))
    assert lines_of(str(file), {}, freezer) == []


def test_a_file_that_cannot_be_read_has_no_lines(tmp_path: Path, freezer: Freezer) -> None:
    assert lines_of(str(tmp_path), {}, freezer) == []
    assert lines_of("no\0name", {}, freezer) == []
    assert lines_of(str(tmp_path / "gone.py"), {}, freezer) == []


def test_the_cache_is_bounded(tmp_path: Path, freezer: Freezer) -> None:
    file = tmp_path / "code.py"
    file.write_text("a = 1")
    first = lines_of(str(file), {}, freezer)
    large = "#" * (FILE_LIMIT - 1)
    for number in range(CACHE_LIMIT // len(large) + 2):
        other = tmp_path / f"{number}.py"
        other.write_text(large)
        lines_of(str(other), {}, freezer)
    again = lines_of(str(file), {}, freezer)
    assert again == first
    assert again is not first


def test_what_was_typed_into_a_notebook_is_found_where_it_keeps_it(freezer: Freezer) -> None:
    name = f"<cell {os.getpid()}>"
    linecache.cache[name] = (5, None, ["a = 1\n", "b = 2\n"], name)
    try:
        assert lines_of(name, {}, freezer) == ["a = 1", "b = 2"]
    finally:
        del linecache.cache[name]


def test_the_source_of_a_module_in_an_archive_is_asked_of_its_loader(
    tmp_path: Path, freezer: Freezer, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("packed_module_of_a_test.py", "x = 1\ny = 2\n")
    monkeypatch.syspath_prepend(archive)
    module = importlib.import_module("packed_module_of_a_test")
    assert lines_of(str(module.__file__), module.__dict__, freezer) == ["x = 1", "y = 2", ""]


class Loader:
    """One that a program brought along."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def get_source(self, name: str) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [None, 5, ImportError("no"), SystemExit(1), "x" * (FILE_LIMIT + 1)],
    ids=lambda value: type(value).__name__,
)
def test_a_loader_that_has_no_source_does_no_harm(freezer: Freezer, answer: object) -> None:
    path = f"/no/such/file/{id(answer)}.py"
    assert lines_of(path, {"__name__": "x", "__loader__": Loader(answer)}, freezer) == []
