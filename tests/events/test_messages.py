"""Messages: the template for grouping, the params, and what a reader sees."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

from asyncsentry.events.freezing import Freezer
from asyncsentry.events.messages import logentry
from asyncsentry.events.rules import MESSAGE_LIMIT, Rules


class Hostile:
    """Can be put into nothing."""

    def __str__(self) -> str:
        raise RuntimeError("str")

    def __format__(self, spec: str) -> str:
        raise SystemExit(1)

    def __getattr__(self, name: str) -> Any:
        raise KeyboardInterrupt


@pytest.mark.parametrize("params", [None, (), [], {}])
def test_a_message_without_params_is_its_own_template(freezer: Freezer, params: object) -> None:
    assert logentry("100% {sure}", params, freezer) == {"message": "100% {sure}", "formatted": "100% {sure}"}


@pytest.mark.parametrize(
    ("template", "params", "formatted"),
    [
        ("%s has %d items", ("cart", 3), "cart has 3 items"),
        ("%(who)s left", {"who": "Ann"}, "Ann left"),
        ("%(who)s left", OrderedDict(who="Ann"), "Ann left"),
        ("{} has {:03d}", ("cart", 3), "cart has 003"),
        ("{who} left", {"who": "Ann"}, "Ann left"),
        ("{0[a]} and {0}", [{"a": 1}], "1 and {'a': 1}"),
        ("%s", "alone", "alone"),
        ("%s", 5, "5"),
        ("%r %s", (b"x", (1, "a")), "b'x' (1, 'a')"),
        ("%.1f", (1.25,), "1.2"),
        ("50% of {}", ("all",), "50% of all"),
    ],
)
def test_a_template_is_filled_in_either_style(freezer: Freezer, template: str, params: object, formatted: str) -> None:
    entry = logentry(template, params, freezer)
    assert entry["message"] == template
    assert entry["formatted"] == formatted


def test_params_are_a_list_or_a_map(freezer: Freezer) -> None:
    assert logentry("%s", (1,), freezer)["params"] == [1]
    assert logentry("%s", [1], freezer)["params"] == [1]
    assert logentry("%s", "x", freezer)["params"] == ["x"]
    assert logentry("%(a)s", {"a": 1, "token": "x"}, freezer)["params"] == {"a": 1, "token": "[Filtered]"}


@pytest.mark.parametrize(
    ("template", "params"),
    [
        ("%d", ("text",)),
        ("%s %s", ("one",)),
        ("%s", ("one", "two")),
        ("%(missing)s {missing}", {"a": 1}),
        ("{missing}", ("a",)),
        ("{0.missing}", ("a",)),
        ("nothing to fill", ("a",)),
        ("%s", (Hostile(),)),
        ("{}", (Hostile(),)),
        ("{0.name}", (Hostile(),)),
        ("%d", (1 << 1_000_000,)),
    ],
)
def test_a_template_that_its_params_do_not_fit_is_shown_as_it_is(template: str, params: object) -> None:
    entry = logentry(template, params, Freezer(Rules()))
    assert entry["message"] == entry["formatted"] == template
    assert "params" in entry


@pytest.mark.parametrize("params", [("Ann", 5), {"who": "Ann"}])
def test_params_that_are_too_deep_to_be_shown_are_left_out(params: object) -> None:
    """No server takes a text for them."""
    shown = logentry("%s", params, Freezer(Rules(max_depth=1)))
    assert shown.keys() == {"message", "formatted"}


def test_enormous_params_are_cut_before_they_are_written_out(freezer: Freezer) -> None:
    large = "x" * 100_000_000
    entry = logentry("%s %s %s", (large, [large] * 1000, large.encode()), freezer)
    assert len(str(entry["formatted"])) <= MESSAGE_LIMIT
    assert len(str(entry["params"])) < 20_000
    assert logentry("%s", (list(range(1_000_000)),), freezer)["formatted"] == str([*range(10), "... 999990 more"])


def test_an_enormous_message_is_cut(freezer: Freezer) -> None:
    entry = logentry("x" * 1_000_000, None, freezer)
    assert len(str(entry["message"])) == MESSAGE_LIMIT


def test_a_message_may_be_any_object(freezer: Freezer) -> None:
    assert logentry(ValueError("boom"), None, freezer)["message"] == "boom"
    assert logentry(Hostile(), None, freezer)["message"] == f"<{__name__}.Hostile>"
