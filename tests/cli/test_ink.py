"""Colour: on a terminal, unless it is not wanted."""

from __future__ import annotations

import io

import pytest

from asyncsentry.cli.ink import ink_for


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def colour_is_not_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_a_terminal_gets_colour() -> None:
    assert ink_for(Terminal()).bad("no") == "\x1b[31mno\x1b[0m"


def test_a_file_gets_none() -> None:
    assert ink_for(io.StringIO()).bad("no") == "no"


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert ink_for(Terminal()).bad("no") == "no"
