"""What the events room makes, Sentry's own normalizer finds no error in."""

from __future__ import annotations

import datetime
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest
from sentry_relay.exceptions import RelayError

from asyncsentry.events.attributes import fingerprint, new_event_id, tags, user
from asyncsentry.events.breadcrumbs import breadcrumb
from asyncsentry.events.exceptions import Exceptions, Mechanism
from asyncsentry.events.frames import stack_frames
from asyncsentry.events.freezing import OMITTED, Freezer
from asyncsentry.events.messages import logentry
from asyncsentry.events.modules import installed_modules
from asyncsentry.events.plain import plain
from asyncsentry.events.rules import Rules
from asyncsentry.events.runtime import contexts, current_thread
from asyncsentry.events.scrubbing import scrub_cookies, scrub_headers, scrub_query, scrub_url
from asyncsentry.events.trimming import trim
from asyncsentry.json import encode
from events.raising import BaseExceptionGroup, Branch, Shop, caught, fail, frame_here, hidden, with_variables
from relay.judge import errors, normalize, normalized

Event = dict[str, Any]


def event(**fields: object) -> Event:
    return {"event_id": new_event_id(), "timestamp": time.time(), "platform": "python", **fields}


def event_of(error: BaseException, mechanism: Mechanism | None = None, **rules: Any) -> Event:
    values = Exceptions(error, mechanism or Mechanism(), Freezer(Rules(**rules))).with_stacks()
    return event(level="error", exception={"values": values})


def chain() -> None:
    try:
        try:
            os.stat("/no/such/file")
        except OSError as cause:
            raise KeyError("middle") from cause
    except KeyError:
        raise RuntimeError("last\ud800") from None


def context() -> None:
    try:
        fail("first")
    finally:
        raise RuntimeError


def group() -> None:
    inner = BaseExceptionGroup("inner", [KeyboardInterrupt()])
    raise BaseExceptionGroup("group", [caught(fail), caught(chain), caught(context), inner])


class Mute(Exception):
    """Cannot say what happened."""

    def __str__(self) -> str:
        raise SystemExit


def mute() -> None:
    nan, infinity, text, huge, raw = float("nan"), float("inf"), "\ud800", 2**100, b"\xff"
    deep: list[Any] = []
    deep.append({1: deep, None: (nan, infinity, text, huge, raw)})
    raise Mute(deep)


def again() -> None:
    again()


FAILURES = {
    "one": caught(fail),
    "variables": caught(with_variables),
    "method": caught(Branch().sell),
    "class method": caught(Shop.open),
    "hidden frame": caught(hidden),
    "chain": caught(chain),
    "context": caught(context),
    "group": caught(group),
    "system": caught(open, "/no/such/file"),
    "syntax": caught(compile, "x = = 1", "config.py", "exec"),
    "recursion": caught(again),
    "nothing said": caught(mute),
    "never raised": ValueError("x"),
    "no value": ValueError(),
    "enormous value": ValueError("x" * 10_000_000),
    "code of no file": caught(exec, "1 / 0", {}),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_exception_has_no_error_in_it(failure: str) -> None:
    made = event_of(FAILURES[failure])
    assert errors(made) == []
    assert len(normalized(made)["exception"]["values"]) == len(made["exception"]["values"])


def test_a_chain_is_stored_as_it_was_sent() -> None:
    made = event_of(caught(group))
    stored = normalized(made)["exception"]["values"]
    for sent, kept in zip(made["exception"]["values"], stored, strict=True):
        assert {name: kept["mechanism"].get(name) for name in sent["mechanism"]} == sent["mechanism"]
        assert (kept["type"], kept.get("value"), kept.get("module")) == (
            sent["type"],
            sent.get("value"),
            sent.get("module"),
        )


def test_a_frame_is_stored_as_it_was_sent() -> None:
    made = event_of(caught(with_variables))
    (sent,) = made["exception"]["values"][0]["stacktrace"]["frames"]
    (kept,) = normalized(made)["exception"]["values"][0]["stacktrace"]["frames"]
    assert {name: kept.get(name) for name in sent} == sent


def test_a_mechanism_with_everything_has_no_error_in_it() -> None:
    mechanism = Mechanism("asyncio", False, {"task": "Task-1"}, True, "why", "https://example.com/help")
    made = event_of(caught(fail), mechanism)
    assert errors(made) == []
    kept = normalized(made)["exception"]["values"][0]["mechanism"]
    assert kept == made["exception"]["values"][0]["mechanism"]


def test_a_long_chain_that_was_cut_has_no_error_in_it() -> None:
    last = ValueError(0)
    for number in range(1, 100):
        error = ValueError(number)
        error.__cause__ = last
        last = error
    made = event_of(last)
    assert errors(made) == []
    assert normalized(made)["exception"]["values"][-1]["mechanism"]["data"] == {"exceptions_not_shown": 50}


def test_of_a_cut_stack_relay_keeps_every_frame_that_we_kept_and_the_note() -> None:
    made = event_of(caught(Shop().count, 300))
    sent = made["exception"]["values"][0]["stacktrace"]["frames"]
    kept = normalized(made)["exception"]["values"][0]["stacktrace"]["frames"]
    assert len(kept) == len(sent) == 100
    assert kept[20]["vars"][OMITTED] == sent[20]["vars"][OMITTED]


MESSAGES: Mapping[str, tuple[object, object]] = {
    "plain": ("hello", None),
    "percent": ("%s of %d", ("one", 2)),
    "names": ("%(who)s", {"who": "Ann"}),
    "braces": ("{} of {}", ["one", 2]),
    "unfit": ("%d", ("x", float("nan"))),
    "empty": ("", None),
    "long": ("x" * 100_000, None),
    "any": (Mute(), (Mute(),)),
}


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_has_no_error_in_it(message: str) -> None:
    assert errors(event(logentry=logentry(*MESSAGES[message], Freezer(Rules())))) == []


def test_breadcrumbs_have_no_error_in_them() -> None:
    given: list[dict[str, object]] = [
        {},
        {"message": "x" * 100_000, "category": "c" * 1000, "type": "http", "level": "CRITICAL", "data": {"a": b"x"}},
        {"timestamp": datetime.datetime.now(datetime.timezone.utc), "level": 30, "data": [1, 2]},
        {"timestamp": "2026-01-02T03:04:05Z", "level": "nonsense", "data": {"status": float("inf")}},
    ]
    crumbs = [breadcrumb(crumb, Rules()) for crumb in given]
    made = event(breadcrumbs={"values": crumbs})
    assert errors(made) == []
    assert [crumb["level"] for crumb in normalized(made)["breadcrumbs"]["values"]] == [
        "info",
        "fatal",
        "warning",
        "info",
    ]


def test_t31_tags_the_user_and_the_fingerprint_have_no_error_in_them() -> None:
    freezer = Freezer(Rules())
    given = {"a b": 1, "ok": True, "n": None, "größe": "x\ny", "": 1, "long": "x" * 1000, "nan": float("nan")}
    who = {"id": 5, "username": "u", "email": "a@b.c", "ip_address": "nowhere", "more": {"a": [1]}, "nothing": None}
    made = event(tags=tags(given, freezer), user=user(who, freezer), fingerprint=fingerprint(["a", 5], freezer))
    assert errors(made) == []
    assert dict(normalized(made)["tags"]) == made["tags"]


def test_contexts_threads_and_modules_have_no_error_in_them() -> None:
    frames: Any = stack_frames(frame_here(sys._getframe), Freezer(Rules()))
    made = event(
        contexts=contexts(),
        threads={"values": [current_thread(crashed=False, frames=frames)]},
        modules=installed_modules(),
    )
    assert errors(made) == []
    assert normalized(made)["contexts"]["runtime"]["name"] == "CPython"


def test_t38_a_scrubbed_request_has_no_error_in_it() -> None:
    made = event(
        request={
            "method": "POST",
            "url": scrub_url("https://user:pw@example.com/a?token=x"),
            "query_string": scrub_query("a=1&token=x"),
            "headers": scrub_headers([("Authorization", "x"), ("Accept", "text/html")]),
            "cookies": scrub_cookies("a=b; sessionid=x"),
        }
    )
    assert errors(made) == []
    assert "pw" not in str(normalized(made)["request"])


def test_t05_what_a_hook_gave_back_has_no_error_in_it() -> None:
    ring: dict[Any, Any] = event(extra={"bytes": b"x", "set": {1}, 5: float("nan"), "mute": Mute(), "bad": "\ud800"})
    ring["extra"]["ring"] = ring
    nested: Any = 1
    for _ in range(500):
        nested = {"a": [nested]}
    ring["extra"]["nested"] = nested
    assert errors(plain(ring)) == []


@pytest.mark.parametrize(
    ("frames", "size", "exceptions"), [(100, 6000, 1), (3000, 500, 1), (250, 50, 50), (50, 60_000, 1)]
)
def test_a_trimmed_event_has_no_error_in_it_and_its_notes_stay(frames: int, size: int, exceptions: int) -> None:
    lines = ["x" * (size // 10)] * 5
    stack = {
        "frames": [
            {"function": "f", "lineno": 1, "vars": {"a": "x" * size}, "pre_context": lines, "context_line": "x"}
            for _ in range(frames)
        ]
    }
    mechanism = {"type": "generic", "handled": True}
    values = [{"type": "E", "value": "v", "mechanism": mechanism, "stacktrace": stack} for _ in range(exceptions)]
    large = event(exception={"values": values}, extra={str(number): "x" * 1000 for number in range(1000)})
    trimmed = trim(large)
    assert len(encode(trimmed)) <= 1024 * 1024
    assert errors(trimmed) == []
    assert "_meta" in normalized(trimmed)


@pytest.mark.parametrize(
    "wrong", [b'{"extra": {"a": NaN}}', b'{"extra": {"a": "\\ud800"}}', b'{"extra": {"a": 1e400}}']
)
def test_the_strict_judge_mends_nothing(wrong: bytes) -> None:
    with pytest.raises(RelayError):
        normalize(wrong)


def test_the_strict_judge_finds_an_error() -> None:
    (found,) = errors(event(environment="none"))
    assert found.startswith("environment: ")
