"""The application's own functions that see events first: in which order, and what becomes of those that misbehave."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from asyncsentry.callbacks import SLOW, Callbacks, Dropped
from asyncsentry.delivery.losses import Counts
from asyncsentry.diary import Complaints
from asyncsentry.options import Options
from asyncsentry.testing import LocalSentry
from conftest import OpenClient


def note(text: str) -> Callable[[Any, Any], Any]:
    """A processor that adds a text to what others have noted."""

    def processor(event: Any, hint: Any) -> Any:
        extra = event.get("extra", {})
        return {**event, "extra": {"noted": [*extra.get("noted", ()), text, *hint]}}

    return processor


def test_each_sees_what_the_one_before_it_returned_and_before_send_is_the_last(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    client = open_client(processors=[note("first"), note("second")], before_send=note("last"))
    client.capture_event({"message": "m"}, {"hint": 1})
    assert sentry.events[0]["extra"]["noted"] == ["first", "hint", "second", "hint", "last", "hint"]


def refuse(event: Any, hint: Any) -> None:  # a processor is given them
    return None


class Failing:
    def __call__(self, event: Any, hint: Any) -> Any:
        raise LookupError


@pytest.mark.parametrize("processor", [refuse, Failing(), lambda event, hint: 5], ids=["refuses", "fails", "no-event"])
def test_an_event_that_one_does_not_want_or_fails_on_is_dropped_and_counted(
    open_client: OpenClient, processor: Any
) -> None:
    client = open_client(processors=[processor, note("never")], before_send=never)
    assert client.capture_message("m") is None
    assert client.losses == Counts({("event_processor", "error"): 1})


def never(event: Any, hint: Any) -> Any:
    raise AssertionError("it was dropped before")


def test_one_that_fails_is_named_once(open_client: OpenClient, caplog: pytest.LogCaptureFixture) -> None:
    client = open_client(processors=[Failing()])
    for _ in range(3):
        client.capture_message("m")
    (said,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == "the processor Failing failed: the event is dropped"


def test_one_that_is_slow_is_named_once_with_how_long_a_capture_waited(caplog: pytest.LogCaptureFixture) -> None:
    clock: Iterator[float] = iter([0.0, SLOW, 1.0, 3.0, 4.0, 6.0])
    callbacks = Callbacks(Options(processors=(note("a"),)), Complaints(), lambda: next(clock))
    for _ in range(3):
        assert not isinstance(callbacks.pass_event({}, {}), Dropped)
    (said,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == "the processor note.<locals>.processor is slow: a capture waited 2.00 s for it"


def test_what_they_see_has_no_secrets_and_what_they_add_is_theirs(open_client: OpenClient, sentry: LocalSentry) -> None:
    seen = []

    def look(event: Any, hint: Any) -> Any:
        seen.append(event["logentry"]["formatted"])
        return {**event, "extra": {"text": "password=shown", "password": "shown"}}

    open_client(processors=[look]).capture_message("password=x")
    assert seen == ["password=[Filtered]"]
    assert sentry.events[0]["extra"] == {"text": "password=shown", "password": "shown"}


def test_what_they_add_is_theirs_before_all_is_known_of_the_program(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    class Odd:
        def __repr__(self) -> str:
            return "password=shown"

    client = open_client(before_send=lambda event, hint: {**event, "extra": {"odd": Odd(), "text": "password=shown"}})
    client.capture_message("m")
    assert sentry.events[0]["extra"] == {"odd": "password=shown", "text": "password=shown"}
