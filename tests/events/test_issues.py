"""What makes two events one issue."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from asyncsentry.events.issues import TEXT_LIMIT, Issue, issue_of_error, issue_of_event


def issue(fail: Callable[[], object]) -> Issue:
    try:
        fail()
    except Exception as error:
        return issue_of_error(type(error), error.__traceback__)
    raise AssertionError


def one(text: str = "") -> None:
    raise ValueError(text)


def other() -> None:
    raise ValueError


def either(kind: type[Exception]) -> None:
    raise kind


def test_it_is_where_the_error_was_raised_whoever_called_and_whatever_it_says() -> None:
    assert issue(one) == issue(lambda: one("says something"))
    assert issue(one) != issue(other)


def test_it_is_the_type() -> None:
    assert issue(lambda: either(KeyError)) != issue(lambda: either(IndexError))
    assert issue_of_error(KeyError, None) == issue_of_error(KeyError, None) != issue_of_error(IndexError, None)


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

    hash(issue_of_error(Failed, None))
    assert issue_of_event({"message": Text("failed")}) == ("failed", None)


def test_the_end_of_a_long_text_makes_no_difference() -> None:
    assert issue_of_event({"message": "a" * TEXT_LIMIT + "b"}) == issue_of_event({"message": "a" * TEXT_LIMIT + "c"})


@pytest.mark.parametrize("event", [{}, {"exception": {}}, {"logentry": {"params": [1]}}])
def test_what_has_no_message_has_none(event: dict[str, object]) -> None:
    assert issue_of_event(event) is None
