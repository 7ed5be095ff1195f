"""What is ordinary is shown: too much that is hidden makes events useless, and people turn it off."""

from __future__ import annotations

from asyncsentry.events.scrubbing import USUAL
from asyncsentry.events.secrets import Secrets
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from privacy.ordinary import LINES, NAMES, NUMBERS, TEXTS

MOST = 0.01
"""The share of ordinary values that may be taken for secrets."""


def test_ordinary_texts_are_not_taken_for_secrets() -> None:
    taken = Secrets(USUAL).hide_in({*TEXTS})
    assert len(taken) / len(TEXTS) < MOST, [hidden.text for hidden in taken.values()]


def test_neither_are_ordinary_lines_of_programs() -> None:
    taken = [line for line in LINES if Secrets(USUAL).hide_in_code(line) != line]
    assert len(taken) / len(LINES) < MOST, taken


def test_neither_are_ordinary_names() -> None:
    assert [name for name in NAMES if name in USUAL] == []


def test_an_event_shows_them_all(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(max_breadth=1000, max_value_length=1000)
    client.set_extra("texts", [*TEXTS])
    client.set_extra("numbers", [*NUMBERS])
    client.set_extra("names", dict.fromkeys(NAMES, "x"))
    client.capture_message("ordinary")
    assert client.flush()
    extra = sentry.events[-1]["extra"]
    shown = [text for text, given in zip(extra["texts"], TEXTS, strict=True) if text == given]
    assert len(shown) / len(TEXTS) > 1 - MOST
    assert (extra["numbers"], extra["names"]) == ([*NUMBERS], dict.fromkeys(NAMES, "x"))
