"""Messages: the template for grouping, the params, and what a reader sees."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

from asyncsentry.events import messages
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.messages import MOST_TEMPLATES, WIDEST, formatted, logentry
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


@pytest.mark.parametrize(
    ("template", "params"),
    [
        ("%10000000000d", (1,)),
        ("%-010000000000d", (1,)),
        ("%.10000000000f", (1,)),
        ("%(a)10000000000d", {"a": 1}),
        ("%*d", (10**10, 1)),
        ("%.*f", (True, WIDEST + 1)),
        ("{:10000000000}", (1,)),
        ("{:<.10000000000f}", (1.0,)),
        ("{:{}}", (1, 10**10)),
    ],
)
def test_a_template_that_asks_for_more_than_anybody_reads_is_shown_as_it_is(
    freezer: Freezer, template: str, params: object
) -> None:
    assert logentry(template, params, freezer)["formatted"] == template
    assert formatted(template, params) == template


def test_no_more_templates_are_remembered_than_many() -> None:
    for number in range(2 * MOST_TEMPLATES):
        assert formatted(f"{number}: %s", ("x",)) == f"{number}: x"
    assert len(messages._modest) <= MOST_TEMPLATES


def test_a_width_within_reason_is_filled(freezer: Freezer) -> None:
    assert logentry("%*d, %5s *", (3, 1, "x"), freezer)["formatted"] == "  1,     x *"
    assert logentry("order 12345: {:>3}", (1,), freezer)["formatted"] == "order 12345:   1"


def test_a_template_reaches_nothing_that_is_hidden_in_a_value(freezer: Freezer) -> None:
    template = "{0.__class__.__init__.__globals__}"
    assert logentry(template, (Hostile(),), freezer)["formatted"] == template


@pytest.mark.parametrize(
    ("message", "params", "outcome"),
    [
        ("text", None, "text"),
        ("text", (), "text"),
        ("%s of %d", ("one", 2), "one of 2"),
        ("%s", ("x" * 20_000,), "x" * MESSAGE_LIMIT),
        ("%d", ("no number",), "%d"),
        ("%s of %s", ([1], 2.5), "[1] of 2.5"),
        ("%(a)s", {"a": 1}, "1"),
        ("x" * 10_000, None, "x" * (MESSAGE_LIMIT - 3) + "..."),
        (ValueError("no text"), None, "no text"),
        ("look: %s", (Hostile(),), "look: %s"),
    ],
)
def test_the_outcome_alone_is_told_too(message: object, params: object, outcome: str) -> None:
    assert formatted(message, params) == outcome


def test_ctrl_c_while_a_message_is_made_is_not_lost() -> None:
    class Interrupts:
        def __str__(self) -> str:
            raise KeyboardInterrupt

    def make() -> None:
        formatted("%s", (Interrupts(),))
        while True:  # for the signal's handler to run
            pass

    with pytest.raises(KeyboardInterrupt):
        make()


def test_a_parameter_with_the_name_of_a_secret_is_not_filled_in() -> None:
    entry = logentry("%(user)s %(password)s", {"user": "ada", "password": "hunter2"}, Freezer(Rules()))
    assert entry["formatted"] == "ada [Filtered]"
    assert entry["params"] == {"user": "ada", "password": "[Filtered]"}
