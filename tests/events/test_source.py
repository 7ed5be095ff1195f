"""Lines of source: of files, of what is typed in, of archives."""

from __future__ import annotations

import importlib
import linecache
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from asyncsentry.events import Json
from asyncsentry.events.source import FILE_LIMIT, LINE_LIMIT, Passage


def read(path: object, line: int = 1, around: int = 100, module: object = None, loader: object = None) -> Any:
    """What there is to show."""
    passage = Passage(str(path), line, around, module, loader)
    passage.read()
    return passage.found


def all_lines(found: dict[str, Any]) -> list[Json]:
    return [*found["pre_context"], found["context_line"], *found["post_context"]] if found else []


def test_a_line_is_shown_with_those_around_it(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_text("".join(f"line {number}\n" for number in range(1, 21)))
    assert read(file, 10, 2) == {
        "pre_context": ["line 8", "line 9"],
        "context_line": "line 10",
        "post_context": ["line 11", "line 12"],
    }
    assert read(file, 1, 1) == {"pre_context": [], "context_line": "line 1", "post_context": ["line 2"]}
    assert read(file, 20, 1) == {"pre_context": ["line 19"], "context_line": "line 20", "post_context": []}
    assert read(file, 21, 5) == read(file, 100, 5) == {}


def test_the_lines_of_a_file_come_without_their_ends(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_bytes(b"a = 1\r\nb = 2\rc = '\x0c'\nd = '\xe2\x80\xa8'\n")
    assert all_lines(read(file)) == ["a = 1", "b = 2", "c = '\x0c'", "d = '\u2028'"]


def test_a_long_line_is_cut(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_text("#" * 2 * LINE_LIMIT)
    assert len(read(file)["context_line"]) == LINE_LIMIT


def test_a_line_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_text("a = 1")
    passage = Passage(str(file), 1, 0, None, None)
    passage.read()
    first = passage.found
    file.unlink()
    passage.read()
    assert passage.found is first
    assert first


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"# -*- coding: latin-1 -*-\nname = '\xe9'", ["# -*- coding: latin-1 -*-", "name = 'é'"]),
        (b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n'\x80'", None),
        (b"\xef\xbb\xbfname = 1", ["name = 1"]),
        (b"# coding: no-such-coding\n'\xff'", ["# coding: no-such-coding", "'\ufffd'"]),
        (b"# coding: hex\n'\xff'", ["# coding: hex", "'\ufffd'"]),
        (b"# coding: idna\n'\xff'", []),
        (b"'\xff'", ["'\ufffd'"]),
    ],
)
def test_a_file_is_decoded_as_the_compiler_does_and_never_fails(
    tmp_path: Path, content: bytes, lines: list[str] | None
) -> None:
    file = tmp_path / "code.py"
    file.write_bytes(content)
    expected = ["#!/usr/bin/python", "# vim: set fileencoding=cp1252 :", "'€'"] if lines is None else lines
    assert all_lines(read(file)) == expected


def test_a_huge_file_has_no_lines(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_bytes(b"#" * (FILE_LIMIT + 1))
    assert read(file) == {}


def test_a_file_that_cannot_be_read_has_no_lines(tmp_path: Path) -> None:
    assert read(tmp_path) == {}
    assert read("no\0name") == {}
    assert read(tmp_path / "gone.py") == {}
    locked = tmp_path / "locked.py"
    locked.symlink_to("/proc/self/mem")
    assert read(locked) == {}


def test_nobody_waits_for_who_may_write_to_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.py"
    os.mkfifo(pipe)
    assert read(pipe) == {}


def test_what_was_typed_into_a_notebook_is_found_where_it_keeps_it() -> None:
    name = f"<cell {os.getpid()}>"
    linecache.cache[name] = (5, None, ["a = 1\n", "b = 2\n"], name)
    try:
        assert all_lines(read(name)) == ["a = 1", "b = 2"]
        assert all_lines(read(name, 2, 0)) == ["b = 2"]
    finally:
        del linecache.cache[name]


def test_the_source_of_a_module_in_an_archive_is_asked_of_its_loader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("packed_module_of_a_test.py", "x = 1\ny = 2\r\n")
    monkeypatch.syspath_prepend(archive)
    module = importlib.import_module("packed_module_of_a_test")
    assert all_lines(read(module.__file__, module=module.__name__, loader=module.__loader__)) == ["x = 1", "y = 2", ""]


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
def test_a_loader_that_has_no_source_does_no_harm(answer: object) -> None:
    assert read("/no/such/file.py", loader=Loader(answer)) == {}


def test_ctrl_c_while_a_loader_is_asked_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt):
        read("/no/such/file.py", loader=Loader(KeyboardInterrupt()))
