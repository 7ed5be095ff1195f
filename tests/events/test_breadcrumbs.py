"""Breadcrumbs: one thing that happened, as an event holds it."""

from __future__ import annotations

import datetime
import json
import time
from collections import UserDict
from typing import Any

import pytest

from asyncsentry.events.breadcrumbs import breadcrumb
from asyncsentry.events.rules import MESSAGE_LIMIT, Rules


def made(**fields: object) -> dict[str, Any]:
    return breadcrumb(fields, Rules())


def test_a_breadcrumb_with_nothing_in_it_happened_now() -> None:
    before = time.time()
    crumb = made()
    assert before <= crumb.pop("timestamp") <= time.time()
    assert crumb == {"type": "default", "level": "info", "data": {}}


def test_a_breadcrumb_keeps_what_it_says() -> None:
    fields = {
        "timestamp": 5.5,
        "type": "http",
        "category": "request",
        "message": "GET größe",
        "level": "warning",
        "data": {"status": 404},
    }
    assert made(**fields) == fields


def test_t33_a_time_is_in_seconds() -> None:
    moment = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
    assert made(timestamp=moment)["timestamp"] == moment.timestamp()
    assert made(timestamp=time.time() * 1000)["timestamp"] == pytest.approx(time.time(), abs=60)
    assert made(timestamp="yesterday")["timestamp"] == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize(("level", "name"), [("WARNING", "warning"), (40, "error"), ("no such", "info"), ([], "info")])
def test_t11_a_level_is_one_of_sentry_s(level: object, name: str) -> None:
    assert made(level=level)["level"] == name


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (None, {}),
        ({}, {}),
        ([], {"value": []}),
        ("text", {"value": "text"}),
        ([1, 2], {"value": [1, 2]}),
        (UserDict(a=1), {"a": 1}),
        ({"password": "x", "a": {1: float("nan")}}, {"password": "[Filtered]", "a": {"1": "nan"}}),
    ],
)
def test_t34_data_is_always_an_object(data: object, shown: object) -> None:
    assert made(data=data)["data"] == shown


def test_texts_are_bounded_and_may_be_anything() -> None:
    crumb = made(type=5, category="c" * 1000, message=ValueError("x" * 100_000))
    assert crumb["type"] == "5"
    assert len(crumb["category"]) == 128
    assert len(crumb["message"]) == MESSAGE_LIMIT


def test_fields_that_servers_do_not_know_are_left_out() -> None:
    assert "colour" not in made(colour="red")


def test_data_is_frozen_when_it_is_given() -> None:
    data = {"list": [1]}
    crumb = made(data=data)
    data["list"].append(2)
    assert crumb["data"] == {"list": [1]}
    assert json.dumps(crumb, allow_nan=False)


def test_data_that_has_no_length_or_truth_does_no_harm() -> None:
    class Odd:
        def __bool__(self) -> bool:
            raise RuntimeError

    assert made(data=Odd())["data"] == {"value": f"<{__name__}.{Odd.__qualname__}>"}
