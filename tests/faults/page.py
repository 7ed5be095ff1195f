"""Pages of the documentation on which tables stand that are written by programs, each between two marks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[2] / "docs" / "faults.md"
END: Final = "<!-- so far -->\n"


@dataclass(frozen=True)
class Table:
    """What stands on the page from its mark on; ``writer`` is what writes it."""

    writer: str
    page: Path = PAGE

    @property
    def _begin(self) -> str:
        return f"<!-- what follows is written by {self.writer} -->\n"

    def read(self) -> str:
        return self.page.read_text(encoding="utf-8").partition(self._begin)[2].partition(END)[0]

    def write(self, table: str) -> None:
        before, mark, rest = self.page.read_text(encoding="utf-8").partition(self._begin)
        self.page.write_text(before + mark + table + END + rest.partition(END)[2], encoding="utf-8")


SHOWN: Final = Table("tests/faults/table.py")
COMPARISON: Final = Table("benchmarks/losses.py")
