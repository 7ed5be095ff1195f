"""Every test here runs with threads that take turns after each few instructions, wherever Python lets them."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

AT_ONCE = 1e-6
"""Seconds after which a thread lets others go first."""


@pytest.fixture(autouse=True)
def _restless() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(AT_ONCE)
    yield
    sys.setswitchinterval(before)
