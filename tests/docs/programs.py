"""The Python programs in the README and the documentation.

A block whose first line is a comment with a file name begins a program; a block without one goes on with it. After a
block, ``<!-- sends: TITLE, TITLE; exits: STATUS -->`` says which events arrive and how the program ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PLACEHOLDER: Final = "https://PUBLIC_KEY@sentry.example.com/1"

OWN_SESSION: Final = ("docs/transports/eventlet.md",)
"""Pages whose programs need an environment of their own: see `on_eventlet`."""

_BLOCK: Final = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:<!-- (?P<notes>[^\n]*) -->)?", re.MULTILINE | re.DOTALL)
_NAME: Final = re.compile(r"# (?P<name>\w+\.py)\n")


@dataclass
class Program:
    page: str
    name: str
    code: str = ""
    sends: tuple[str, ...] = ()
    exits: int = 0

    def add(self, code: str, notes: str) -> None:
        self.code += code
        said = dict(note.split(": ", 1) for note in notes.split("; ")) if notes else {}
        self.sends += tuple(said["sends"].split(", ")) if "sends" in said else ()
        self.exits = int(said.get("exits", self.exits))

    def __str__(self) -> str:
        return f"{self.page}:{self.name}"


def pages() -> Iterator[Path]:
    yield ROOT / "README.md"
    yield from sorted((ROOT / "docs").rglob("*.md"))


def programs_in(page: str, text: str) -> list[Program]:
    programs: list[Program] = []
    for block in _BLOCK.finditer(text):
        name = _NAME.match(block["code"])
        if name:
            programs.append(Program(page, name["name"]))
        elif not programs:
            raise ValueError(f"{page}: the first block has no name: begin it with '# name.py'")
        programs[-1].add(block["code"], block["notes"] or "")
    return programs


def all_programs() -> list[Program]:
    return [
        program
        for path in pages()
        for program in programs_in(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    ]
