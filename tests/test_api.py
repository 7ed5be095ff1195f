"""The module's functions: the default client, before ``init``, after it, replaced and closed."""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import asyncsentry
from asyncsentry import api
from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.testing import Answer, LocalSentry


@pytest.fixture(autouse=True)
def back_to_the_start(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test sets is known to no other, and its client is closed."""
    monkeypatch.delenv("SENTRY_DSN", raising=False)
    with asyncsentry.isolation_scope() as scope:
        scope.clear()
        yield
    asyncsentry.close(5)
    asyncsentry.get_global_scope().clear()


def start(sentry: LocalSentry, **options: Any) -> Client[Any]:
    return asyncsentry.init(sentry.dsn_for("urllib"), **options)


def messages(sentry: LocalSentry) -> list[str]:
    return [event["logentry"]["formatted"] for event in sentry.events]


# The names


def test_the_package_gives_what_it_lists() -> None:
    listed = asyncsentry.__all__
    assert sorted(listed, key=str.lower) == sorted(set(listed), key=str.lower)
    assert all(hasattr(asyncsentry, name) for name in listed)
    given = {
        name for name, value in vars(asyncsentry).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert given == {name for name in listed if not name.startswith("_")}


def test_every_function_of_the_module_is_public() -> None:
    functions = {
        name
        for name, value in vars(api).items()
        if inspect.isfunction(value) and value.__module__ == api.__name__ and not name.startswith("_")
    }
    assert functions == {name for name in asyncsentry.__all__ if name[0].islower()}


def test_a_client_has_the_same_methods() -> None:
    of_the_module_alone = {"init", "get_client", "is_initialized"}
    for name in asyncsentry.__all__:
        function = getattr(api, name, None)
        if not inspect.isfunction(function) or name in of_the_module_alone:
            continue
        method = getattr(Client, name)
        parameters = list(inspect.signature(method).parameters.values())[1:]
        assert parameters == list(inspect.signature(function).parameters.values()), name


# Before init, and without a DSN


def call_everything() -> None:
    """Each of the functions, as a program would."""
    assert asyncsentry.capture_exception(KeyError()) is None
    assert asyncsentry.capture_message("text", level="error", tags={"a": 1}) is None
    assert asyncsentry.capture_event({"message": "text"}, {}) is None
    asyncsentry.add_breadcrumb({"message": "m"}, {}, category="c")
    asyncsentry.set_tag("a", 1)
    asyncsentry.set_tags({"b": 2})
    asyncsentry.set_user({"id": 1})
    asyncsentry.set_context("c", {"d": 1})
    asyncsentry.set_extra("e", 1)
    asyncsentry.set_level("info")
    asyncsentry.set_fingerprint(["f"])
    asyncsentry.set_transaction_name("t")
    asyncsentry.add_attachment(b"", filename="a")
    with asyncsentry.new_scope() as scope, asyncsentry.isolation_scope():
        scope.set_tag("a", 2)
    with asyncsentry.capture_exceptions():
        pass
    assert asyncsentry.capture_exceptions(len)([1]) == 1
    asyncsentry.last_event_id()
    assert asyncsentry.flush() is True
    assert asyncio.run(asyncsentry.flush_async()) is True
    assert asyncsentry.get_client().wait()
    asyncsentry.close()
    asyncio.run(asyncsentry.close_async())


def test_everything_may_be_called_before_init() -> None:
    assert not asyncsentry.is_initialized()
    call_everything()


def test_without_a_dsn_everything_stays_off_and_may_be_called() -> None:
    client = asyncsentry.init()
    assert asyncsentry.get_client() is client
    assert not asyncsentry.is_initialized()
    call_everything()


def test_waiting_for_an_inactive_client_is_right_in_every_style() -> None:
    waiting = asyncsentry.init("").wait()

    async def main() -> Any:
        return await waiting

    assert waiting
    assert asyncio.run(main()) is True


# init


def test_what_was_set_before_init_is_on_the_events_after_it(sentry: LocalSentry) -> None:
    asyncsentry.get_global_scope().set_tag("global", 1)
    asyncsentry.set_tag("here", 1)
    start(sentry)
    asyncsentry.capture_message("text")
    assert sentry.events[0]["tags"] == {"global": "1", "here": "1"}


def test_what_is_captured_goes_through_the_default_client(sentry: LocalSentry) -> None:
    client = start(sentry)
    assert asyncsentry.get_client() is client
    assert asyncsentry.is_initialized()
    asyncsentry.add_breadcrumb(message="m")
    asyncsentry.add_attachment(b"abc", filename="a")
    asyncsentry.set_transaction_name("t")
    ids = [
        asyncsentry.capture_exception(KeyError(), tags={"a": 1}),
        asyncsentry.capture_message("text", extras={"a": 1}),
        asyncsentry.capture_event({"message": "text"}, level="warning"),
    ]
    assert [event["event_id"] for event in sentry.events] == ids
    assert [event["level"] for event in sentry.events] == ["error", "info", "warning"]
    assert {event["transaction"] for event in sentry.events} == {"t"}
    assert asyncsentry.last_event_id() == ids[-1]
    assert asyncsentry.get_current_scope() is asyncsentry.get_isolation_scope()
    with asyncsentry.new_scope() as block:
        assert asyncsentry.get_current_scope() is block is not asyncsentry.get_isolation_scope()


def test_a_second_init_delivers_for_the_first_and_replaces_it(sentry: LocalSentry) -> None:
    sentry.answer(Answer(delay=0.2))
    with LocalSentry() as another:
        first = asyncsentry.init(sentry.dsn_for("threaded"))
        asyncsentry.set_tag("kept", 1)
        asyncsentry.capture_message("for the first")
        second = asyncsentry.init(another.dsn_for("urllib"))
        assert messages(sentry) == ["for the first"]
        assert (first.active, second.active) == (False, True)
        asyncsentry.capture_message("for the second")
        assert messages(another) == ["for the second"]
        assert another.events[0]["tags"] == {"kept": "1"}
        asyncsentry.close()


def test_an_init_that_fails_changes_nothing(sentry: LocalSentry) -> None:
    client = start(sentry)
    hook = sys.excepthook
    with pytest.raises(OptionError):
        asyncsentry.init(sentry.dsn, sample_rate=5)
    assert asyncsentry.get_client() is client
    assert client.active
    assert sys.excepthook is hook


def test_an_init_without_a_dsn_switches_off(sentry: LocalSentry) -> None:
    client, hook = start(sentry), sys.excepthook
    asyncsentry.init("")
    assert not client.active
    assert sys.excepthook is not hook


def test_breadcrumbs_are_as_many_as_the_newest_client_keeps(sentry: LocalSentry) -> None:
    start(sentry, max_breadcrumbs=10)
    for number in range(10):
        asyncsentry.add_breadcrumb(message=str(number))
    start(sentry, max_breadcrumbs=2)
    asyncsentry.capture_message("text")
    assert [crumb["message"] for crumb in sentry.events[0]["breadcrumbs"]["values"]] == ["8", "9"]


# Hooks


def test_hooks_are_installed_by_init_and_taken_off_by_close(sentry: LocalSentry) -> None:
    def hooks() -> list[object]:
        return [sys.excepthook, threading.excepthook, sys.unraisablehook]

    before = hooks()
    start(sentry)
    assert all(hook is not earlier for hook, earlier in zip(hooks(), before, strict=True))
    logging.getLogger("shop").error("closed")
    asyncsentry.close()
    assert hooks() == before
    logging.getLogger("shop").error("closed again")
    assert messages(sentry) == ["closed"]


def test_hooks_that_are_not_wanted_are_not_installed(sentry: LocalSentry) -> None:
    before = sys.excepthook
    start(sentry, install_sys_hook=False)
    assert sys.excepthook is before


# capture_exceptions


def test_what_is_decorated_captures_with_the_default_client_of_its_time(sentry: LocalSentry) -> None:
    @asyncsentry.capture_exceptions
    def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    client = start(sentry)
    with pytest.raises(KeyError):
        fail()
    with pytest.raises(KeyError), client.capture_exceptions(LookupError):
        fail()
    assert len(sentry.events) == 2


# The end


def test_after_close_nothing_is_captured(sentry: LocalSentry) -> None:
    client = start(sentry)
    asyncsentry.capture_message("before")
    asyncsentry.close()
    call_everything()
    assert asyncsentry.get_client() is client
    assert messages(sentry) == ["before"]


def test_close_async_delivers_and_takes_the_hooks_off(sentry: LocalSentry) -> None:
    before = sys.excepthook

    async def main() -> None:
        asyncsentry.init(sentry.dsn)
        asyncsentry.capture_message("on a loop")
        await asyncsentry.close_async(5)

    asyncio.run(main())
    assert messages(sentry) == ["on a loop"]
    assert sys.excepthook is before
