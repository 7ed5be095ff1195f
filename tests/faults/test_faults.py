"""Whole programs around which something goes wrong, on every transport: nothing is lost that is not counted."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from faults.cases import CASES
from faults.page import PAGE, SHOWN
from faults.playing import play
from faults.table import TABLE

TRANSPORTS = [
    (name, place)
    for name, place, library in (
        ("urllib", "thread", None),
        ("threaded", "thread", None),
        ("requests", "thread", "requests"),
        ("threaded+requests", "thread", "requests"),
        ("auto", "thread", None),
        ("auto", "asyncio", None),
        ("asyncio", "asyncio", None),
        ("asyncio", "uvloop", "uvloop"),
        ("aiohttp", "asyncio", "aiohttp"),
        ("httpx", "asyncio", "httpx"),
        ("tornado", "asyncio", "tornado"),
        ("gevent", "gevent", "gevent"),
        ("eventlet", "eventlet", "eventlet"),
        ("twisted", "twisted", "twisted"),
        ("trio", "trio", "trio"),
    )
    if library is None or find_spec(library)
]


def applicable() -> list[tuple[str, str, str]]:
    return [
        (name, transport, place)
        for name, case in CASES.items()
        for transport, place in TRANSPORTS
        if (case.places is None or place in case.places) and transport not in case.besides
    ]


@pytest.mark.parametrize(("name", "transport", "place"), applicable())
def test_nothing_is_lost_that_is_not_counted(name: str, transport: str, place: str, tmp_path: Path) -> None:
    case = CASES[name]
    outcome = play(case, place, tmp_path, transport=transport)
    assert outcome.status == case.status, outcome.said
    for complaint in ("Unclosed", "was destroyed", "Warning", "Exception ignored", "never retrieved"):
        assert complaint not in outcome.said, outcome.said
    assert outcome.left == 0
    assert outcome.row.duplicated <= case.row.duplicated
    assert replace(outcome.row, duplicated=case.row.duplicated) == case.row


def test_the_page_in_the_documentation_says_what_these_tests_show() -> None:
    """``python -m faults.table``, in tests/, writes it."""
    if PAGE.exists():  # a wheel is tested without its documentation
        assert SHOWN.read() == TABLE
