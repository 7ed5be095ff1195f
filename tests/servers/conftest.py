"""The real servers that these tests send to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.bugsink import Bugsink


@pytest.fixture(scope="session")
def bugsink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bugsink]:
    """One Bugsink for all tests: each looks for its own event ids."""
    programs = os.environ.get("BUGSINK_BIN")
    if not programs:
        pytest.fail("BUGSINK_BIN must name the folder with Bugsink's programs, as `nox -s servers` sets it")
    with Bugsink(Path(programs), tmp_path_factory.mktemp("bugsink")) as server:
        yield server
