"""Programs that a case watches from outside, each run as ``python -m programs.NAME SDK URL ...`` in this folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1]


def command(name: str, *arguments: str) -> list[str]:
    """Runs one of them, in `FOLDER`."""
    return [sys.executable, "-m", f"programs.{name}", *arguments]
