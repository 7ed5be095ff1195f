"""What several files of these tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from spool.material import Desk

OpenDesk = Callable[..., Desk]


@pytest.fixture
def open_desk(tmp_path: Path) -> Iterator[OpenDesk]:
    """Makes keepers that share a folder; in the end nothing of them is locked."""
    with ExitStack() as desks:

        def open_desk(**options: Any) -> Desk:
            desk = Desk(tmp_path / "spool", **options)
            desks.callback(desk.folder.close)
            return desk

        yield open_desk
