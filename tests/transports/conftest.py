"""Every test of a promise runs in every style."""

from __future__ import annotations

import threading

import pytest

from transports.places import loops
from transports.style import Style, Threads
from transports.styles import STYLES


@pytest.fixture(params=STYLES, ids=lambda style: style.name)
def style(request: pytest.FixtureRequest) -> Style:
    assert isinstance(request.param, Style)
    return request.param


@pytest.fixture(params=[style for style in STYLES if style.on_loop], ids=lambda style: style.name)
def loop_style(request: pytest.FixtureRequest) -> Style:
    assert isinstance(request.param, Style)
    return request.param


@pytest.fixture(params=[style for style in STYLES if style.knows_proxies], ids=lambda style: style.name)
def proxy_style(request: pytest.FixtureRequest) -> Style:
    assert isinstance(request.param, Style)
    return request.param


@pytest.fixture(params=loops.STYLES, ids=lambda style: style.name)
def asyncio_style(request: pytest.FixtureRequest) -> Style:
    assert isinstance(request.param, Style)
    return request.param


@pytest.fixture
def threads() -> Threads:
    """What gives the threads of our transports that are there, and were not when the test began."""
    before = set(threading.enumerate())
    return lambda: [
        each for each in threading.enumerate() if each.name.startswith("asyncsentry") and each not in before
    ]
