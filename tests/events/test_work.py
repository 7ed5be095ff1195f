"""What is known about the work in hand, and what is made of nonsense: the rest is shown all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from asyncsentry.events.collection import PERSONAL
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.http import HttpRequest
from asyncsentry.events.rules import Rules
from asyncsentry.events.work import Work, show_work

REQUEST = HttpRequest("GET", "http://h/")
WHOLE = Work(
    transaction="/item/{number}",
    request=REQUEST,
    user={"id": 7, "email": "a@b.c"},
    contexts={"job": {"number": 1, "password": "x"}},
    tags={"queue": "mail"},
)


def show(work: object, **rules: Any) -> dict[str, Any]:
    # Any: who describes work may give anything.
    describe: Any = lambda: work  # noqa: E731
    return show_work(describe, Freezer(Rules(**rules), float, float))


def test_work_is_shown_with_all_that_is_known() -> None:
    shown = show(WHOLE, collection=PERSONAL)
    assert shown == {
        "transaction": "/item/{number}",
        "transaction_info": {"source": "route"},
        "request": {"method": "GET", "url": "http://h/", "headers": {}},
        "user": {"id": "7", "email": "a@b.c"},
        "contexts": {"job": {"number": 1, "password": "[Filtered]"}},
        "tags": {"queue": "mail"},
    }


def test_the_user_is_shown_where_that_is_asked_for() -> None:
    assert "user" not in show(WHOLE)
    assert show(Work()) == {"contexts": {}}


def test_a_remark_has_its_place() -> None:
    large = HttpRequest("POST", "http://h/", body=b"x", body_size=11)
    shown = show(Work(request=large), collection=PERSONAL, body_limit=10)
    assert shown["_meta"] == {"request": {"data": {"": {"rem": [["!config", "x"]], "len": 11}}}}


@pytest.mark.parametrize("nonsense", [None, 5, {"transaction": "x"}, Work, [WHOLE]])
def test_what_is_no_work_says_nothing(nonsense: object) -> None:
    assert show(nonsense) == {}


@pytest.mark.parametrize("error", [ValueError, RecursionError, SystemExit, KeyboardInterrupt])
def test_work_that_cannot_be_described_says_nothing(error: type[BaseException]) -> None:
    def describe() -> Work:
        raise error

    freezer = Freezer(Rules())
    assert show_work(describe, freezer) == {}
    assert freezer.interrupted is (error is KeyboardInterrupt)


class Hostile:
    """True and false at once, not to be read, not to be iterated."""

    def __bool__(self) -> bool:
        raise RuntimeError

    def __str__(self) -> str:
        raise RuntimeError

    def __iter__(self) -> Any:
        raise RuntimeError


Change = Callable[[Any], Work]

CHANGES: dict[str, Change] = {
    "transaction": lambda value: Work(transaction=value, tags={"a": "b"}),
    "source": lambda value: Work(transaction="x", source=value, tags={"a": "b"}),
    "request": lambda value: Work(request=value, tags={"a": "b"}),
    "method": lambda value: Work(request=HttpRequest(value, "http://h/"), tags={"a": "b"}),
    "url": lambda value: Work(request=HttpRequest("GET", value), tags={"a": "b"}),
    "query": lambda value: Work(request=HttpRequest("GET", "http://h/", query=value), tags={"a": "b"}),
    "headers": lambda value: Work(request=HttpRequest("GET", "http://h/", headers=value), tags={"a": "b"}),
    "header": lambda value: Work(request=HttpRequest("GET", "http://h/", headers=[(value, value)]), tags={"a": "b"}),
    "env": lambda value: Work(request=HttpRequest("GET", "http://h/", env=value), tags={"a": "b"}),
    "body": lambda value: Work(request=HttpRequest("GET", "http://h/", body=value), tags={"a": "b"}),
    "size": lambda value: Work(request=HttpRequest("GET", "http://h/", body=b"x", body_size=value), tags={"a": "b"}),
    "user": lambda value: Work(user=value, tags={"a": "b"}),
    "contexts": lambda value: Work(contexts=value, tags={"a": "b"}),
    "context": lambda value: Work(contexts={"c": value}, tags={"a": "b"}),
}


@pytest.mark.parametrize(
    "nonsense", [5, b"\xff", "text", object(), Hostile(), [1, 2], {1: Hostile()}, (), float("nan")]
)
@pytest.mark.parametrize("change", CHANGES)
def test_nonsense_in_one_part_leaves_the_others(change: str, nonsense: Any) -> None:
    assert show(CHANGES[change](nonsense), collection=PERSONAL, body_limit=10)["tags"] == {"a": "b"}


def test_nonsense_for_tags_leaves_the_others_too() -> None:
    assert show(Work(transaction="x", tags=Hostile()))["transaction"] == "x"  # type: ignore[arg-type]
