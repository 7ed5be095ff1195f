"""Errors in asyncio that nobody awaited."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from asyncsentry.client import Client
from asyncsentry.hooks import asyncio_tasks
from asyncsentry.testing import LocalSentry

Events = Callable[[], tuple[dict[str, Any], ...]]


async def fail(word: str) -> None:
    raise ValueError(word)


def start(word: str) -> None:
    task = asyncio.create_task(fail(word))
    assert not task.done()


async def abandon(*words: str) -> None:
    """Start a task for each word, and never look at it again."""
    for word in words:
        start(word)
    await asyncio.sleep(0.01)
    gc.collect()


@pytest.fixture
def events(client: Client[Any], sentry: LocalSentry) -> Iterator[Events]:
    """With the hook installed: everything that the server has received, once the client has nothing left to send."""

    def events() -> tuple[dict[str, Any], ...]:
        assert client.flush(timeout=5)
        return sentry.events

    uninstall = asyncio_tasks.install(client)
    yield events
    uninstall()


def test_a_task_that_nobody_awaited_is_an_unhandled_event(events: Events) -> None:
    asyncio.run(abandon("unheard"))
    (event,) = events()
    (error,) = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("ValueError", "unheard")
    assert error["mechanism"] == {"type": "asyncio", "handled": False}
    assert event["level"] == "error"
    assert event["logger"] == "asyncio"
    assert event["logentry"]["formatted"].startswith("Task exception was never retrieved")


def test_an_error_in_a_callback_is_an_unhandled_event(events: Events) -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(0.01)

    asyncio.run(main())
    (event,) = events()
    assert event["exception"]["values"][-1]["mechanism"] == {"type": "asyncio", "handled": False}
    assert event["logentry"]["formatted"].startswith("Exception in callback")


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """asyncio's, set right again whatever a test does to it."""
    logger = logging.getLogger("asyncio")
    yield logger
    logger.disabled = False
    logger.setLevel(logging.NOTSET)


@pytest.mark.parametrize("times", [1, 3])
def test_logs_that_are_configured_afterwards_silence_nothing(
    events: Events, logger: logging.Logger, caplog: pytest.LogCaptureFixture, times: int
) -> None:
    logger.disabled = True  # as `dictConfig` does by default to all loggers that there are
    for _ in range(times):
        asyncio.run(abandon("unheard"))
    assert [event["exception"]["values"][-1]["value"] for event in events()] == ["unheard"] * times
    assert events()[0]["logentry"]["formatted"].startswith("Task exception was never retrieved")
    assert caplog.records == []  # as the application wanted it


def test_an_error_without_its_traceback_that_a_silent_logger_gets_is_no_event(
    events: Events, logger: logging.Logger
) -> None:
    logger.disabled = True
    logger.error("no error at all")
    assert events() == ()
    try:
        raise ValueError("with its traceback")
    except ValueError:
        logger.exception("in vain")
    assert len(events()) == 1


def test_a_logger_that_lets_no_error_pass_is_obeyed(events: Events, logger: logging.Logger) -> None:
    logger.setLevel(logging.CRITICAL)
    asyncio.run(abandon("unheard"))
    logger.disabled = True
    asyncio.run(abandon("unheard"))
    assert events() == ()


def test_a_record_says_where_asyncio_logged_it(events: Events, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(abandon("unheard"))
    assert [record.module for record in caplog.records] == ["base_events"]
    assert len(events()) == 1


def test_the_logger_is_left_as_it_was(client: Client[Any], logger: logging.Logger) -> None:
    before = dict(vars(logger))
    uninstall = asyncio_tasks.install(client)
    asyncio_tasks.install(client)
    assert vars(logger) != before
    uninstall()
    assert {**vars(logger), "_cache": {}} == {**before, "_cache": {}}


def test_what_another_put_in_place_of_the_loggers_method_stays(client: Client[Any], logger: logging.Logger) -> None:
    uninstall = asyncio_tasks.install(client)
    others = vars(logger)["makeRecord"] = lambda *_, **__: None
    uninstall()
    assert vars(logger).pop("makeRecord") is others


def test_each_of_several_loops_is_heard(events: Events) -> None:
    for word in ("first", "second", "third"):
        asyncio.run(abandon(word))
    assert sorted(event["exception"]["values"][-1]["value"] for event in events()) == ["first", "second", "third"]


def test_an_error_that_somebody_handled_is_no_event(events: Events) -> None:
    async def main() -> None:
        task = asyncio.create_task(fail("unheard"))
        with pytest.raises(ValueError, match="unheard"):
            await task
        await asyncio.gather(fail("one"), fail("two"), return_exceptions=True)
        cancelled = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        cancelled.cancel()

    asyncio.run(main())
    gc.collect()
    assert events() == ()


def test_a_loop_with_an_exception_handler_of_its_own_is_left_alone(events: Events) -> None:
    handled: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: handled.append(context))
        await abandon("theirs")

    asyncio.run(main())
    assert len(handled) == 1
    assert events() == ()


def test_the_event_knows_nothing_of_what_happened_to_run_then(events: Events, client: Client[Any]) -> None:
    async def main() -> None:
        start("unheard")
        with client.isolation_scope() as scope:
            scope.set_tag("request", "somebody else's")
            await asyncio.sleep(0.01)
            gc.collect()

    client.scopes.global_scope.set_tag("city", "Lisbon")
    asyncio.run(main())
    (event,) = events()
    assert event["tags"] == {"city": "Lisbon"}


def test_the_application_s_own_log_still_tells_of_it(events: Events, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(abandon("unheard"))
    (record,) = [record for record in caplog.records if record.name == "asyncio"]
    assert record.exc_info
    assert len(events()) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_a_wish_to_end_the_program_is_no_error(events: Events, error: BaseException) -> None:
    logging.getLogger("asyncio").error("Task exception was never retrieved", exc_info=error)
    assert events() == ()


def test_a_record_without_an_error_is_no_event(events: Events) -> None:
    logging.getLogger("asyncio").error("Task was destroyed but it is pending!")
    logging.getLogger("asyncio").warning("slow", exc_info=ValueError("only a warning"))
    assert events() == ()


def test_the_newest_client_hears(events: Events, client: Client[Any]) -> None:
    uninstall_again = asyncio_tasks.install(client)
    asyncio.run(abandon("once"))
    assert len(events()) == 1
    uninstall_again()
    asyncio.run(abandon("never"))
    assert len(events()) == 1
    assert logging.getLogger("asyncio").filters == []
