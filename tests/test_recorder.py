"""Capturing: what is decided in which order, what callbacks see and may do, and that nothing of it raises."""

from __future__ import annotations

import _thread
import gc
import logging
import os
import pickle
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from asyncsentry.client import Client
from asyncsentry.events.exceptions import COUNT_LIMIT, Mechanism
from asyncsentry.events.marks import MARK
from asyncsentry.scope import Scope
from asyncsentry.testing import Answer, Hang, LocalSentry
from conftest import OpenClient
from events.raising import ExceptionGroup

MECHANISM = Mechanism("test", handled=False)

LIMITED = Answer(200, {"X-Sentry-Rate-Limits": "60:error:key"})


def never(*_: object) -> Any:
    raise AssertionError("this must not be called")


def lost(client: Client[Any]) -> dict[str, int]:
    return {reason: count for (reason, category), count in client.losses.items() if category == "error"}


def loud(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the SDK said that the user should mend."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# The order of decisions


def test_an_ignored_error_is_only_counted(open_client: OpenClient) -> None:
    client = open_client(ignore_errors=[LookupError], error_sampler=never, before_send=never)
    error = KeyError()
    assert client.capture_exception(error) is None
    assert client.capture_exception(error) is None
    assert lost(client) == {"event_processor": 2}
    assert vars(error) == {}


def test_an_error_that_was_captured_before_is_neither_sampled_nor_counted(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    rates = iter([1.0])
    client = open_client(error_sampler=lambda error, hint: next(rates))
    error = KeyError()
    event_id = client.capture_exception(error)
    assert event_id is not None
    assert client.capture_exception(error) == client.report(error, MECHANISM) == event_id
    assert len(sentry.events) == 1
    assert client.losses == {}


def test_an_error_that_was_sampled_out_stays_out(open_client: OpenClient) -> None:
    client = open_client(sample_rate=0.0, before_send=never)
    error = KeyError()
    assert client.capture_exception(error) is client.capture_exception(error) is None
    assert client.capture_message("a message") is None
    assert lost(client) == {"sample_rate": 2}


def test_sampling_comes_before_the_limit_of_the_server(open_client: OpenClient, sentry: LocalSentry) -> None:
    sentry.answer(LIMITED)
    rates = iter([1.0, 0.0, 1.0])
    client = open_client(error_sampler=lambda error, hint: next(rates))
    assert client.capture_exception(KeyError())
    assert client.capture_exception(KeyError()) is None
    assert client.capture_exception(KeyError()) is None
    assert lost(client) == {"sample_rate": 1, "ratelimit_backoff": 1}


def test_of_one_issue_only_so_many_are_made_and_the_next_says_how_many_were_not(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    def fail(number: int) -> None:
        try:
            raise ValueError(number)
        except ValueError as error:
            ids.append(client.capture_exception(error))

    ids: list[str | None] = []
    client = open_client(flood_limit=60)
    while None not in ids:
        fail(len(ids))
    assert len(ids) > 60
    assert client.capture_message("rare")
    while ids[-1] is None:
        time.sleep(0.05)
        fail(len(ids))
    assert lost(client) == {"backpressure": ids.count(None)}
    assert client.flush(5)
    contexts = [event["contexts"] for event in sentry.events]
    assert [context["flood_control"] for context in contexts if "flood_control" in context] == [
        {"held_back": ids.count(None)}
    ]


def test_what_was_held_back_is_told_by_the_first_event_that_is_not_dropped(open_client: OpenClient) -> None:
    def drop(event: Any, _: object) -> None:
        told.append(event["contexts"].get("flood_control", {}).get("held_back", 0))

    told: list[int] = []
    client = open_client(flood_limit=600, before_send=drop)
    while "backpressure" not in lost(client):
        client.capture_message("noisy")
    sent = len(told)
    while len(told) < sent + 2:
        time.sleep(0.02)
        client.capture_message("noisy")
    first, second = told[sent:]
    assert 0 < first <= second == lost(client)["backpressure"]


def test_what_ends_the_program_is_not_held_back(open_client: OpenClient) -> None:
    client = open_client(flood_limit=1)
    assert client.capture_exception(ValueError())
    assert client.capture_exception(ValueError()) is None
    assert client.report(ValueError(), MECHANISM, event={"level": "fatal"}) is None
    assert client.report(ValueError(), Mechanism("excepthook", handled=False))


def test_messages_are_told_apart_by_their_text(open_client: OpenClient) -> None:
    client = open_client(flood_limit=1)
    assert [bool(client.capture_message(text)) for text in ("one", "one", "other")] == [True, False, True]


@pytest.mark.wrong_on_purpose
def test_what_was_held_back_is_told_by_no_event_that_says_odd_things(open_client: OpenClient) -> None:
    client = open_client(flood_limit=1000)
    while client.capture_event({"message": "odd", "contexts": [["name", {}]]}):
        pass
    while not client.capture_event({"message": "odd", "contexts": [["name", {}]]}):
        pass
    assert lost(client).keys() == {"backpressure"}


def test_without_a_limit_nothing_is_held_back(open_client: OpenClient) -> None:
    client = open_client(flood_limit=0)
    assert all(client.capture_message("again and again") for _ in range(300))


def test_nothing_of_an_error_is_read_while_the_server_takes_none(open_client: OpenClient, sentry: LocalSentry) -> None:
    class Unread(Exception):
        def __str__(self) -> str:
            raise AssertionError

    def fail(variable: object) -> None:
        raise Unread

    class Shown:
        def __repr__(self) -> str:
            raise AssertionError

    sentry.answer(LIMITED)
    client = open_client(before_send=lambda event, hint: event)
    assert client.capture_message("the first")
    with pytest.raises(Unread) as caught:
        fail(Shown())
    assert client.capture_exception(caught.value) is None
    assert lost(client) == {"ratelimit_backoff": 1}


def test_a_full_queue_refuses_before_anything_is_made(open_client: OpenClient, sentry: LocalSentry) -> None:
    made = []

    def note(event: Any, hint: Any) -> Any:
        made.append(event["event_id"])
        return event

    client = open_client(sentry.dsn_for("threaded"), queue_bytes=256 * 1024, max_in_flight=1, before_send=note)
    sentry.always(Hang())
    taken = [id for id in (client.capture_message("x" * 8000) for _ in range(100)) if id]
    assert len(taken) < 50
    assert lost(client) == {"queue_overflow": 100 - len(taken)}
    assert client.last_event_id() == taken[-1]
    # One refusal shows how little room there is; after that nothing is made in vain, until something leaves.
    assert set(made) >= set(taken)
    assert len(made) <= len(taken) + 2
    client.close(0.0)


@pytest.mark.parametrize("added", ["request", "extra", "before_send"])
def test_all_that_an_event_holds_counts_toward_the_bound(
    open_client: OpenClient, sentry: LocalSentry, added: str
) -> None:
    large = "größe " * 100_000

    def add(event: Any, hint: Any) -> Any:
        return {**event, "large": [large]}

    options = {"before_send": add} if added == "before_send" else {"max_value_length": len(large)}
    client = open_client(sentry.dsn_for("threaded"), queue_bytes=5 * len(large), max_in_flight=1, **options)
    sentry.always(Hang())
    event = {} if added == "before_send" else {added: {"text": large}}
    taken = [id for id in (client.capture_event(event) for _ in range(20)) if id]
    assert 3 <= len(taken) <= 5  # what fits into the queue, and what is on its way
    client.close(0.0)


# Once per error and client


def test_each_client_captures_an_error_once(open_client: OpenClient, sentry: LocalSentry) -> None:
    one, other = open_client(), open_client()
    error = KeyError()
    ids = [one.capture_exception(error), other.capture_exception(error)]
    assert ids == [one.capture_exception(error), other.capture_exception(error)]
    assert len(set(ids)) == len(sentry.events) == 2


class Silent(Exception):
    """Gives nothing away."""

    def __getattribute__(self, name: str) -> Any:
        raise MemoryError


class Liar(Exception):
    """Says that it is of no class."""

    @property
    def __class__(self) -> Any:
        raise ValueError

    @__class__.setter
    def __class__(self, kind: Any) -> None:
        raise ValueError


class Incomparable(Exception):
    def __hash__(self) -> int:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError


@pytest.mark.parametrize("kind", [Silent, Liar, Incomparable])
def test_an_error_that_is_not_to_be_looked_at_is_captured_all_the_same(
    open_client: OpenClient, sentry: LocalSentry, kind: type[Exception]
) -> None:
    client = open_client()
    error = kind("a")
    assert client.capture_exception(error)
    try:
        raise kind("b")
    except kind:
        assert client.capture_exception()
    with pytest.raises(kind), client.capture_exceptions():  # it is the application's own error that goes on
        raise kind("c")
    assert [event["exception"]["values"][-1]["type"] for event in sentry.events] == [kind.__name__] * 3


@pytest.mark.parametrize("stop", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_ends_the_program_in_the_midst_of_a_capture_goes_on_and_the_loss_is_counted(
    open_client: OpenClient, sentry: LocalSentry, stop: type[BaseException]
) -> None:
    stops = [stop]

    def leave(event: Any, hint: Any) -> Any:
        if stops:
            raise stops.pop()
        return event

    client, error = open_client(before_send=leave), KeyError()
    with pytest.raises(stop):
        client.capture_exception(error)
    assert lost(client) == {"internal_sdk_error": 1}
    assert client.capture_exception(error)  # whoever sees it next has it sent
    assert len(sentry.events) == 1


def test_the_mark_is_the_only_change_to_an_error(open_client: OpenClient) -> None:
    error = KeyError("k")
    error.mine = 1  # type: ignore[attr-defined]
    before = (error.args, error.__cause__, error.__context__, error.__traceback__)
    open_client().capture_exception(error)
    assert vars(error).keys() == {"mine", MARK}
    assert (error.args, error.__cause__, error.__context__, error.__traceback__) == before


def test_an_error_that_was_pickled_is_another_one(open_client: OpenClient, sentry: LocalSentry) -> None:
    error = KeyError("k")
    there = open_client()
    here = open_client()
    there.capture_exception(error)
    arrived = pickle.loads(pickle.dumps(error))
    assert here.capture_exception(arrived)
    assert len(sentry.events) == 2


class Slotted(Exception):
    __slots__ = ("field",)


class Hidden(Exception):
    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise RuntimeError


class OwnDict(dict):  # type: ignore[type-arg]
    setdefault = __contains__ = __getitem__ = __setitem__ = never


def with_own_dict() -> Exception:
    error = Exception()
    error.__dict__ = OwnDict()
    return error


def marked_by_a_stranger() -> Exception:
    error = Exception()
    vars(error)[MARK] = "theirs"
    return error


@pytest.mark.parametrize("make", [Slotted, Hidden, with_own_dict])
def test_errors_of_any_build_are_captured_once(
    make: Callable[[], Exception], open_client: OpenClient, sentry: LocalSentry
) -> None:
    client, error = open_client(), make()
    assert client.capture_exception(error) == client.capture_exception(error)
    assert len(sentry.events) == 1


def test_a_mark_that_is_not_ours_does_no_harm(open_client: OpenClient) -> None:
    client, error = open_client(), marked_by_a_stranger()
    assert client.capture_exception(error)
    assert vars(error) == {MARK: "theirs"}


def test_an_error_is_captured_although_its_class_lies(open_client: OpenClient, sentry: LocalSentry) -> None:
    class Untrue(Exception):
        def __bool__(self) -> bool:
            raise RuntimeError

        def __len__(self) -> int:
            return 0

        def __eq__(self, other: object) -> bool:
            raise RuntimeError

        __hash__ = None  # type: ignore[assignment]

    assert open_client().capture_exception(Untrue())
    assert sentry.events[0]["exception"]["values"][0]["type"].endswith("Untrue")


def test_a_group_says_nothing_new_of_errors_that_were_captured(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    first, second, third = ValueError("first"), KeyError("second"), OSError("third")
    inner = ExceptionGroup("inner", [second, third])
    event_id = client.capture_exception(first)
    client.capture_exception(inner)
    group = ExceptionGroup("outer", [first, inner])
    assert client.capture_exception(group) == event_id
    assert client.capture_exception(group) == event_id
    assert client.capture_exception(ExceptionGroup("only that", [first])) == event_id
    assert len(sentry.events) == 2
    other = client.capture_exception(ExceptionGroup("one more", [first, ExceptionGroup("new", [LookupError()])]))
    assert other not in (None, event_id)
    assert client.capture_exception(ExceptionGroup("a crowd", [first] * (COUNT_LIMIT + 2))) not in (None, event_id)


def test_a_group_that_cannot_tell_what_is_in_it_is_captured(open_client: OpenClient, sentry: LocalSentry) -> None:
    closed: Any = type("Closed", (ExceptionGroup,), {"exceptions": property(lambda _self: 1 // 0)})
    client = open_client()
    error = ValueError()
    client.capture_exception(error)
    assert client.capture_exception(closed("closed", [error])) is not None
    assert len(sentry.events) == 2


def test_an_error_that_is_none_is_not_reported_by_whoever_sees_it_next(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    client = open_client()
    gone, error = ConnectionError("the client is gone"), ValueError()
    event_id = client.capture_exception(error)
    client.disregard(gone)
    client.disregard(error)
    assert client.capture_exception(gone) is None
    assert client.capture_exception(error) == event_id
    assert client.capture_exception(ExceptionGroup("both", [gone, error])) == event_id
    assert client.capture_exception(ExceptionGroup("gone", [gone])) is None
    assert len(sentry.events) == 1
    assert client.losses == {}
    client.close()
    client.disregard(KeyError())


# What capture_exception is given


def test_an_error_being_handled_need_not_be_given(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    assert client.capture_exception() is None
    assert client.losses == {}
    try:
        raise KeyError("k")
    except KeyError:
        event_id = client.capture_exception()
    assert [event["event_id"] for event in sentry.events] == [event_id]


def test_an_exc_info_is_as_good_as_its_error(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    assert client.capture_exception((None, None, None)) is None
    try:
        raise KeyError("k")
    except KeyError:
        assert client.capture_exception(sys.exc_info())
    assert sentry.events[0]["exception"]["values"][0]["type"] == "KeyError"


@pytest.mark.parametrize("nonsense", [KeyError, "an error", 0, (), (1, 2), (KeyError, KeyError, None), object()])
def test_what_is_no_error_is_counted_and_said_once(
    nonsense: Any, open_client: OpenClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = open_client()
    assert client.capture_exception(nonsense) is client.capture_exception(nonsense) is None
    assert lost(client) == {"internal_sdk_error": 2}
    assert loud(caplog) == ["capture_exception takes an exception: what is none is not sent"]


# Hints


def test_callbacks_are_told_what_an_event_comes_from(open_client: OpenClient) -> None:
    hints: list[dict[str, Any]] = []

    def keep(subject: Any, hint: dict[str, Any]) -> Any:
        hints.append(dict(hint))
        hint.clear()  # which nobody else sees
        return subject if isinstance(subject, dict) else 1.0

    client = open_client(error_sampler=keep, before_send=keep)
    record = logging.makeLogRecord({})
    error = KeyError()
    client.report(error, MECHANISM, hint={"log_record": record})
    client.report_message("text", level="error", hint={"log_record": record})
    client.capture_event({}, {"mine": 1})
    client.capture_message("text")
    whole = {"exc_info": (KeyError, error, None), "log_record": record}
    assert hints == [whole, whole, {"log_record": record}, {"mine": 1}, {}]


# before_send


def test_before_send_may_change_an_event_in_place(open_client: OpenClient, sentry: LocalSentry) -> None:
    def redact(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        event["logentry"]["formatted"] = "redacted"
        return event

    open_client(before_send=redact).capture_message("secret")
    assert sentry.events[0]["logentry"] == {"formatted": "redacted"}


def test_before_send_sees_the_lines_of_a_file_that_nobody_has_read_yet(
    open_client: OpenClient, sentry: LocalSentry, tmp_path: Path
) -> None:
    seen = []

    def before_send(event: Any, hint: Any) -> Any:
        seen.extend(event["exception"]["values"][0]["stacktrace"]["frames"])
        return event

    file = tmp_path / "failing.py"
    file.write_text("zero = 0\n1 // zero\n")
    client = open_client(before_send=before_send)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), client.capture_exceptions():
            exec(compile(file.read_text(), file, "exec"))
    lines = [frame["context_line"] for frame in seen if frame["abs_path"] == str(file)]
    assert lines == ["1 // zero", "1 // zero"]
    arrived = [event["exception"]["values"][0]["stacktrace"]["frames"][-1] for event in sentry.events]
    assert [frame["pre_context"] for frame in arrived] == [["zero = 0"], ["zero = 0"]]


def test_what_before_send_does_to_an_event_is_not_seen_in_the_next(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    def spoil(event: Any, hint: Any) -> Any:
        (error,) = event["exception"]["values"]
        (frame,) = error["stacktrace"]["frames"]
        lines.append(list(frame["pre_context"]))
        frame["pre_context"].clear()
        return event

    lines: list[list[str]] = []
    client = open_client(before_send=spoil)
    for _ in range(2):
        try:
            raise ValueError
        except ValueError as error:
            client.capture_exception(error)
    assert lines[0] == lines[1] != []


@pytest.mark.parametrize("exception", [None, {"values": None}, {"values": [None, {}, {"stacktrace": []}]}])
def test_before_send_sees_whatever_somebody_calls_an_exception(open_client: OpenClient, exception: object) -> None:
    seen: list[object] = []
    client = open_client(before_send=lambda event, hint: seen.append(event["exception"]))
    client.capture_event({"exception": exception} if exception else {"exception": []})
    assert len(seen) == 1


def test_before_send_may_drop_an_event(open_client: OpenClient) -> None:
    client = open_client(before_send=lambda event, hint: None)
    assert client.capture_message("text") is None
    assert client.last_event_id() is None
    assert lost(client) == {"before_send": 1}


@pytest.mark.parametrize("returned", [True, "event", [1], object()])
def test_what_before_send_returns_instead_of_an_event_drops_it(
    returned: Any, open_client: OpenClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = open_client(before_send=lambda event, hint: returned)
    assert client.capture_message("one") is client.capture_message("two") is None
    assert lost(client) == {"before_send": 2}
    assert loud(caplog) == ["before_send returned neither a dict nor None: the event is dropped"]


def test_before_send_may_keep_the_event_and_change_it_later(open_client: OpenClient, sentry: LocalSentry) -> None:
    kept: list[dict[str, Any]] = []

    def keep(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        kept.append(event)
        return event

    sentry.always(Answer(delay=0.2))
    client = open_client(sentry.dsn_for("threaded"), before_send=keep)
    client.capture_message("text")
    kept[0].clear()
    assert client.flush(5)
    assert sentry.events[0]["logentry"] == {"formatted": "text"}


def test_what_before_send_does_to_one_event_is_not_in_the_next(open_client: OpenClient, sentry: LocalSentry) -> None:
    def destroy(value: Any) -> None:
        for member in list(value.values()) if isinstance(value, dict) else value:
            if isinstance(member, (dict, list)):
                destroy(member)
        value.clear()

    def before_send(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        if "destroy" in event["logentry"]["formatted"]:
            destroy(event)
        return event

    client = open_client(before_send=before_send, attach_stacktrace=True, include_local_variables=False)
    client.set_context("mine", {"list": [1, [2]]})
    client.set_user({"id": "1", "more": {"a": [1]}})
    client.add_breadcrumb(message="crumb", data={"list": [1, [2]]})
    for message in ("before", "destroy", "after"):
        client.capture_message(message)
    before, _, after = sentry.events
    different = {"event_id", "timestamp", "logentry"}
    assert {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)} <= different


def test_what_before_send_adds_of_any_type_is_sent_as_it_was_then(open_client: OpenClient, sentry: LocalSentry) -> None:
    class Basket:
        shown = "apples"

        def __repr__(self) -> str:
            return self.shown

    basket = Basket()

    def before_send(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        return {**event, "extra": {"basket": basket, "seen": {1, 2}, "odd": float("nan")}}

    client = open_client(before_send=before_send)
    assert client.capture_message("a message")
    basket.shown = "pears"
    assert client.flush(5)
    (event,) = sentry.events
    assert event["extra"] == {"basket": "apples", "seen": [1, 2], "odd": "nan"}


def test_before_send_has_the_last_word_on_what_was_known_late(open_client: OpenClient, sentry: LocalSentry) -> None:
    def strip(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in event.items() if name not in ("release", "modules")}

    client = open_client(before_send=strip, release="app@1")
    client.capture_message("first")
    client.capture_message("second")
    first, second = sentry.events
    assert "release" not in first
    assert not {"release", "modules"} & second.keys()


# Captures inside captures


def test_a_capture_inside_a_capture_is_counted_and_goes_no_further(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    def before_send(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        assert client.capture_message("from before_send") is None
        client.add_breadcrumb(message="from before_send")
        return event

    client = open_client(before_send=before_send)

    class Talkative:
        def __repr__(self) -> str:
            client.capture_message("from a repr")
            return "shown"

    client.capture_message("text", extras={"talkative": Talkative()})
    client.capture_message("another")
    assert [event["logentry"]["formatted"] for event in sentry.events] == ["text", "another"]
    assert sentry.events[0]["extra"] == {"talkative": "shown"}
    assert "breadcrumbs" not in sentry.events[1]
    assert lost(client) == {"event_processor": 3}


def test_other_threads_capture_meanwhile(open_client: OpenClient, sentry: LocalSentry) -> None:
    def before_send(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        if event["logentry"]["formatted"] == "here":
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(client.capture_message, "there").result(5)
        return event

    client = open_client(before_send=before_send)
    client.capture_message("here")
    assert [event["logentry"]["formatted"] for event in sentry.events] == ["there", "here"]


def test_an_error_met_inside_a_capture_is_captured_when_it_comes_out(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    error = KeyError("k")

    def before_send(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        client.capture_exception(error)
        return event

    client = open_client(before_send=before_send)
    client.capture_message("text")
    assert client.capture_exception(error)
    assert len(sentry.events) == 2


# What goes wrong


@pytest.mark.parametrize("event", [None, 5, "text", [1], {"contexts": 1, "tags": 2, "extra": 3, "user": 4, "level": 5}])
def test_a_capture_of_nonsense_is_counted_or_sent_and_raises_nothing(event: Any, open_client: OpenClient) -> None:
    client = open_client()
    event_id = client.capture_event(event, hint=5, scope=6, tags=7)  # type: ignore[arg-type]
    assert (event_id is None) == (lost(client) == {"internal_sdk_error": 1})
    assert client.capture_message("the next one arrives")


def test_a_capture_that_fails_says_so_in_the_log(open_client: OpenClient, caplog: pytest.LogCaptureFixture) -> None:
    client = open_client()
    with caplog.at_level(logging.DEBUG, "asyncsentry"):
        client.capture_event(None)  # type: ignore[arg-type]
    assert "an event could not be made" in [record.getMessage() for record in caplog.records]


class Unkind(logging.Handler):
    """Fails, and not as a handler should."""

    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError(record.getMessage())


def test_whatever_is_said_in_a_log_that_fails_nothing_is_raised_and_all_is_counted(open_client: OpenClient) -> None:
    nonsense: Any = 5
    log, unkind, client = logging.getLogger("asyncsentry"), Unkind(), open_client()
    log.addHandler(unkind)
    usual = log.level
    log.setLevel(logging.DEBUG)
    try:
        client.capture_event(nonsense)
        client.set_tags(nonsense)
        client.add_breadcrumb(nonsense)
    finally:
        log.removeHandler(unkind)
        log.setLevel(usual)
    assert lost(client) == {"internal_sdk_error": 1}


def interrupt() -> None:
    """What Ctrl-C does."""
    _thread.interrupt_main()
    while True:  # for the signal's handler to run
        pass


def test_ctrl_c_while_a_value_is_looked_at_comes_after_the_capture(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    class Slow:
        def __repr__(self) -> str:
            interrupt()
            return ""

    client = open_client()
    with pytest.raises(KeyboardInterrupt):
        client.capture_message("text", extras={"slow": Slow()})
    assert [event["logentry"]["formatted"] for event in sentry.events] == ["text"]
    assert client.capture_message("the next one"), "nothing is left of it"


# Breadcrumbs


def crumbs(sentry: LocalSentry) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sentry.events[-1].get("breadcrumbs", {}).get("values", [])
    return found


def test_a_breadcrumb_is_on_the_events_after_it(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    client.capture_message("before")
    assert crumbs(sentry) == []
    client.add_breadcrumb({"category": "a", "message": "b", "unknown": 1}, data={"password": "secret"}, level="warning")
    client.capture_message("after")
    (crumb,) = crumbs(sentry)
    assert isinstance(crumb.pop("timestamp"), float)
    assert crumb == {
        "type": "default",
        "category": "a",
        "message": "b",
        "level": "warning",
        "data": {"password": "[Filtered]"},
    }


def test_before_breadcrumb_may_change_and_drop(open_client: OpenClient, sentry: LocalSentry) -> None:
    hints: list[Any] = []

    def before_breadcrumb(crumb: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any] | None:
        hints.append(hint)
        return None if crumb["message"] == "drop" else {**crumb, "message": "changed"}

    client = open_client(before_breadcrumb=before_breadcrumb)
    client.add_breadcrumb(message="drop")
    client.add_breadcrumb({"message": "keep"}, {"mine": 1})
    client.capture_message("text")
    assert [crumb["message"] for crumb in crumbs(sentry)] == ["changed"]
    assert hints == [{}, {"mine": 1}]


def test_a_before_breadcrumb_that_fails_drops_and_is_said_loudly_once(
    open_client: OpenClient, sentry: LocalSentry, caplog: pytest.LogCaptureFixture
) -> None:
    returned: list[Any] = [[1], "text"]
    client = open_client(before_breadcrumb=lambda crumb, hint: returned.pop())
    for _ in range(4):
        client.add_breadcrumb(message="m")
    client.capture_message("text")
    assert crumbs(sentry) == []
    assert loud(caplog) == [
        "before_breadcrumb returned neither a dict nor None: the breadcrumb is dropped",
        "before_breadcrumb failed: the breadcrumb is dropped",
    ]


def test_a_before_breadcrumb_that_adds_breadcrumbs_comes_to_an_end(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    def before_breadcrumb(crumb: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        client.add_breadcrumb(message="inner")
        client.capture_message("inner")
        return crumb

    client = open_client(before_breadcrumb=before_breadcrumb)
    client.add_breadcrumb(message="outer")
    client.capture_message("text")
    assert [crumb["message"] for crumb in crumbs(sentry)] == ["outer"]
    assert lost(client) == {"event_processor": 1}


@pytest.mark.parametrize(("most", "kept"), [(0, []), (1, ["4"]), (3, ["2", "3", "4"]), (9, list("01234"))])
def test_the_newest_breadcrumbs_are_kept(
    most: int, kept: list[str], open_client: OpenClient, sentry: LocalSentry
) -> None:
    client = open_client(max_breadcrumbs=most)
    for number in range(5):
        client.add_breadcrumb(message=str(number))
    client.capture_message("text")
    assert [crumb["message"] for crumb in crumbs(sentry)] == kept


def test_no_breadcrumb_is_asked_for_where_none_are_kept(open_client: OpenClient) -> None:
    client = open_client(max_breadcrumbs=0, before_breadcrumb=never)
    client.add_breadcrumb(message="m")


@pytest.mark.parametrize("nonsense", [5, "text", [1], object(), b"x"])
def test_a_breadcrumb_of_nonsense_raises_nothing(nonsense: Any, open_client: OpenClient) -> None:
    client = open_client()
    client.add_breadcrumb(nonsense)
    client.add_breadcrumb({}, nonsense)
    client.add_breadcrumb(message=nonsense, data=nonsense, timestamp=nonsense, level=nonsense, category=nonsense)
    assert client.capture_message("text")


def test_ctrl_c_while_a_breadcrumb_is_made_is_not_lost(open_client: OpenClient) -> None:
    class Slow:
        def __repr__(self) -> str:
            interrupt()
            return ""

    client = open_client()
    with pytest.raises(KeyboardInterrupt):
        client.add_breadcrumb(message="m", data={"slow": Slow()})
    assert client.capture_message("the next one"), "nothing is left of it"


@pytest.mark.parametrize("scope_of", [Client.get_isolation_scope, Client.get_current_scope, Client.get_global_scope])
def test_a_breadcrumb_on_a_scope_hides_what_its_client_takes_for_a_secret(
    open_client: OpenClient, sentry: LocalSentry, scope_of: Callable[[Client[Any]], Scope]
) -> None:
    client = open_client(scrub_keys=["iban"])
    scope_of(client).add_breadcrumb(message="paid", data={"iban": "DE99", "by": [{"iban": "DE98", "name": "Ann"}]})
    client.capture_message("text")
    (crumb,) = crumbs(sentry)
    assert crumb["data"] == {"iban": "[Filtered]", "by": [{"iban": "[Filtered]", "name": "Ann"}]}


# Where captures happen


def test_a_finalizer_may_capture(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()

    class Last:
        def __del__(self) -> None:
            client.capture_message("from a finalizer")

    cycle: list[Any] = [Last()]
    cycle.append(cycle)
    del cycle
    gc.collect()
    assert [event["logentry"]["formatted"] for event in sentry.events] == ["from a finalizer"]


def test_many_threads_capture_at_once(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(sentry.dsn_for("threaded"))
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda number: client.capture_message(str(number)), range(100)))
    assert client.flush(10)
    assert Counter(event["event_id"] for event in sentry.events) == Counter(ids)


LOADING = """
import os, sys
from asyncsentry import Client

one, other = Client(os.environ["DSN"]), Client(os.environ["DSN"])

class Between:
    def find_spec(self, name, *_):
        if name == "asyncsentry.delivery.outbox":
            other.capture_message("in between")

sys.meta_path.insert(0, Between())
one.capture_message("the first")
other.capture_message("later")
print(dict(other.losses))
"""


def test_a_capture_in_the_midst_of_loading_what_delivers_is_counted(sentry: LocalSentry) -> None:
    """As a signal's handler may make it; here it is an import that somebody watches."""
    done = subprocess.run(
        [sys.executable, "-c", LOADING],
        env={**os.environ, "DSN": sentry.dsn_for("urllib")},
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("{('internal_sdk_error', 'error'): 1}\n", "")
    assert [event["logentry"]["formatted"] for event in sentry.events] == ["the first", "later"]


def test_what_was_captured_while_nothing_could_be_loaded_is_counted(open_client: OpenClient) -> None:
    class Refuse:
        """As where no file can be opened."""

        def find_spec(self, name: str, *_: object) -> None:
            if name.startswith("asyncsentry."):
                raise OSError("too many open files")

    loaded = {name: module for name, module in sys.modules.items() if name.startswith("asyncsentry.delivery.disp")}
    client, error, refuse = open_client(), KeyError(), Refuse()
    for name in loaded:
        del sys.modules[name]
    sys.meta_path.insert(0, refuse)
    try:
        assert client.capture_exception(error) is None
    finally:
        sys.meta_path.remove(refuse)
        sys.modules.update(loaded)
    assert client.stats()["error"].lost == {"internal_sdk_error": 1}
    assert client.capture_exception(error), "whoever sees it next has it sent"
