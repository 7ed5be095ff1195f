"""The pytest plugin: a Sentry server of their own for tests that ask for one.

pytest loads this wherever the package is installed, so it imports the server only when a test wants it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from asyncsentry.testing.server import LocalSentry


@pytest.fixture
def sentry() -> Iterator[LocalSentry]:
    """A `LocalSentry` over http, stopped when the test has ended."""
    from asyncsentry.testing.server import LocalSentry

    with LocalSentry() as server:
        yield server
