"""What makes two events one issue."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest

from asyncsentry.events.issues import TEXT_LIMIT, Issue, issue_of_error, issue_of_event
from events.raising import ExceptionGroup


def issue(fail: Callable[[], object]) -> Issue:
    try:
        fail()
    except Exception as error:
        return issue_of_error(error)
    raise AssertionError


def one(text: str = "") -> None:
    raise ValueError(text)


def other() -> None:
    raise ValueError


def either(kind: type[Exception]) -> None:
    raise kind


def read() -> None:
    json.loads("{")


def read_alike() -> None:
    json.loads("{")


def again(times: int) -> None:
    if times:
        again(times - 1)
    one()


def test_it_is_where_the_error_was_raised_whatever_it_says() -> None:
    assert issue(partial(one, "")) == issue(partial(one, "says something"))
    assert issue(one) != issue(other)


def test_it_is_the_way_that_led_there_however_often_it_went_round() -> None:
    assert issue(partial(again, 2)) == issue(partial(again, 40))
    assert issue(read) != issue(read_alike)


def test_of_a_group_it_is_also_what_is_first_in_it() -> None:
    def gathered(kind: type[Exception]) -> None:
        raise ExceptionGroup("some failed", [kind()])

    kinds = [issue(partial(gathered, kind)) for kind in (KeyError, KeyError, IndexError)]
    assert kinds[0] == kinds[1] != kinds[2]


def test_it_is_the_type() -> None:
    assert issue(lambda: either(KeyError)) != issue(lambda: either(IndexError))
    assert issue_of_error(KeyError()) == issue_of_error(KeyError()) != issue_of_error(IndexError())


def test_of_what_was_never_raised_it_is_the_text_too() -> None:
    assert issue_of_error(KeyError("a", 1)) == issue_of_error(KeyError("a", 2)) != issue_of_error(KeyError("b"))
    assert issue_of_error(KeyError(1)) == issue_of_error(KeyError(2))


@pytest.mark.parametrize(
    "event",
    [
        {"message": "%s failed"},
        {"logentry": {"message": "%s failed", "params": ["one"], "formatted": "one failed"}},
        {"logentry": {"formatted": "%s failed"}},
    ],
)
def test_of_a_message_it_is_the_text_before_its_parameters(event: dict[str, object]) -> None:
    assert issue_of_event(event) == ("%s failed", None)


def test_the_same_text_of_another_logger_is_another_one() -> None:
    event = {"message": "failed", "logger": "one"}
    assert issue_of_event(event) != issue_of_event(event | {"logger": "other"})
    assert issue_of_event(event | {"logger": []}) == issue_of_event({"message": "failed"})


def test_of_a_message_that_is_no_text_it_is_the_type() -> None:
    assert (
        issue_of_event({"message": ValueError(1)})
        == issue_of_event({"message": ValueError(2)})
        == ("<ValueError>", None)
    )


def test_nothing_of_a_type_or_of_a_text_is_asked() -> None:
    class Odd(type):
        __hash__ = None  # type: ignore[assignment]

        def __eq__(cls, other: object) -> bool:
            raise AssertionError

    class Failed(Exception, metaclass=Odd):
        pass

    class Text(str):
        __hash__ = None  # type: ignore[assignment]

    hash(issue_of_error(Failed(Text("failed"))))
    assert issue_of_event({"message": Text("failed")}) == ("failed", None)


def test_the_end_of_a_long_text_makes_no_difference() -> None:
    assert issue_of_event({"message": "a" * TEXT_LIMIT + "b"}) == issue_of_event({"message": "a" * TEXT_LIMIT + "c"})


@pytest.mark.parametrize("event", [{}, {"exception": {}}, {"logentry": {"params": [1]}}])
def test_what_has_no_message_has_none(event: dict[str, object]) -> None:
    assert issue_of_event(event) is None
