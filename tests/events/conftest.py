"""What the tests of the event room share."""

from __future__ import annotations

import pytest

from asyncsentry.events.freezing import Freezer
from asyncsentry.events.rules import Rules


@pytest.fixture
def freezer() -> Freezer:
    """One event's freezer, with the default rules; for it no time passes."""
    return Freezer(Rules(), float, float)
