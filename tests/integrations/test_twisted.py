"""What is particular to Twisted: what it logs is reported, by its failures; its Deferreds, its services."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred, fail, gatherResults, inlineCallbacks
from twisted.logger import Logger, LogLevel, STDLibLogObserver, globalLogPublisher
from twisted.python import log as legacy
from twisted.python.failure import Failure

from asyncsentry import hooks, own
from asyncsentry.client import Client
from asyncsentry.hooks import Uninstall
from asyncsentry.integrations.twisted import carry, setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.programs.shop import Broken, fail as fail_two_calls_deep
from integrations.serving import PATIENCE, mechanism, outline

HANDLED, UNHANDLED = ("twisted", True), ("twisted", False)

SetUp = Callable[..., Uninstall]

WARNING: Any = LogLevel.warn

shop = Logger(namespace="shop")
"""The application's own log."""

twisted = Logger(namespace="twisted.shop")
"""As if a part of Twisted itself said it."""


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client()


@pytest.fixture
def watch() -> Iterator[SetUp]:
    """`setup`; it is taken off again in the end."""
    with ExitStack() as installed:

        def watch(**given: Any) -> Uninstall:
            uninstall = setup(**given)
            installed.callback(uninstall)
            return uninstall

        yield watch


@pytest.fixture
def watched(watch: SetUp, client: Client[Any]) -> Client[Any]:
    """The client for which Twisted's log is watched."""
    watch(client=client)
    return client


def broken(message: str = "broken", **given: Any) -> Failure:
    """A failure that was raised two calls deep."""
    try:
        fail_two_calls_deep(message)
    except Broken:
        return Failure(**given)
    raise AssertionError


@contextmanager
def opened(client: Client[Any]) -> Iterator[Callable[[Callable[[], object]], object]]:
    """A scope that is open in a context of its own, as that of a request is: what runs functions there."""
    context, scope = copy_context(), client.isolation_scope()
    context.run(scope.__enter__)
    yield context.run
    context.run(scope.__exit__, None, None, None)


def outlines(sentry: LocalSentry) -> list[str]:
    return [outline(event) for event in sentry.events]


# Failures


@pytest.mark.usefixtures("watched")
def test_a_failure_that_the_application_logs_is_handled(sentry: LocalSentry) -> None:
    shop.failure("no {fruit} left", broken(), fruit="pears")
    (event,) = sentry.events
    assert (outline(event), mechanism(event)) == ("Broken: broken", HANDLED)
    assert (event["level"], event["logger"]) == ("error", "shop")
    assert event["logentry"]["formatted"] == "no pears left"
    assert event["extra"] == {"fruit": "pears"}
    assert event["exception"]["values"][0]["stacktrace"]["frames"][-1]["vars"]["asked_for"] == 4


@pytest.mark.usefixtures("watched")
def test_a_failure_that_twisted_logs_is_one_that_nobody_handled(sentry: LocalSentry) -> None:
    twisted.failure("", broken(), log_system="HTTPChannel,1")
    (event,) = sentry.events
    assert mechanism(event) == UNHANDLED
    assert "logentry" not in event
    assert event["extra"] == {"log_system": "HTTPChannel,1"}


@pytest.mark.usefixtures("watched")
def test_a_failure_that_is_logged_as_no_error_is_none(sentry: LocalSentry) -> None:
    shop.failure("never mind", broken(), level=WARNING)
    assert sentry.events == ()


@pytest.mark.usefixtures("watched")
def test_what_the_older_log_is_told_is_reported(sentry: LocalSentry) -> None:
    legacy.err(broken(), "no pears left")
    legacy.err(broken())
    legacy.err("sold out")
    legacy.msg("as ever")
    first, second, third = sentry.events
    assert mechanism(first) == mechanism(second) == HANDLED
    assert first["logentry"]["formatted"] == "no pears left"
    assert "logentry" not in second
    assert (third["level"], third["logentry"]["formatted"]) == ("error", "'sold out'")


@pytest.mark.usefixtures("watched")
def test_of_a_failure_that_was_cleaned_files_and_lines_are_shown(sentry: LocalSentry) -> None:
    failure = broken()
    failure.cleanFailure()
    twisted.failure("", failure)
    frames = sentry.events[0]["exception"]["values"][0]["stacktrace"]["frames"]
    assert [frame["function"] for frame in frames] == ["broken", "fail", "_sell"]
    assert frames[-1]["filename"].endswith("shop.py")
    assert frames[-1]["context_line"].strip().startswith("raise Broken(what")
    assert "vars" not in frames[-1]


@pytest.mark.usefixtures("watched")
def test_of_a_failure_that_was_to_keep_variables_they_are_shown_though_it_was_cleaned(sentry: LocalSentry) -> None:
    failure = broken("kept", captureVars=True)
    failure.cleanFailure()
    twisted.failure("", failure)
    frames = sentry.events[0]["exception"]["values"][0]["stacktrace"]["frames"]
    assert frames[-1]["vars"] == {"what": "'kept'", "left": "3", "asked_for": "4"}


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("failed", [KeyboardInterrupt(), SystemExit(1), CancelledError(), GeneratorExit()])
def test_a_wish_to_end_something_is_no_error(sentry: LocalSentry, failed: BaseException) -> None:
    twisted.failure("", Failure(failed))
    assert sentry.events == ()


@pytest.mark.usefixtures("watched")
def test_of_several_that_were_waited_for_the_one_that_failed_is_reported(sentry: LocalSentry) -> None:
    gathered = gatherResults([Deferred(), fail(broken("gathered"))], consumeErrors=True)
    gathered.addErrback(lambda failure: twisted.failure("", failure))
    assert outlines(sentry) == ["Broken: gathered"]


# Deferreds


def test_an_error_in_a_deferred_that_nobody_handles_is_reported_once(watched: Client[Any], sentry: LocalSentry) -> None:
    watched.set_tag("at", "the time of its collection")

    def abandon() -> None:
        deferred: Deferred[None] = Deferred()
        deferred.addCallback(lambda _: fail_two_calls_deep("abandoned"))
        deferred.callback(None)

    abandon()
    gc.collect()
    (event,) = sentry.events
    assert (outline(event), mechanism(event)) == ("Broken: abandoned", UNHANDLED)
    assert event["exception"]["values"][0]["mechanism"]["description"] == "Unhandled error in Deferred"
    assert event["exception"]["values"][0]["stacktrace"]["frames"][-1]["function"] == "_sell"
    assert (event["logger"], event["logentry"]["formatted"]) == (
        "twisted.internet.defer",
        "Unhandled error in Deferred",
    )
    assert "tags" not in event


def test_what_a_function_with_inline_callbacks_knows_it_goes_on_to_know(
    watched: Client[Any], sentry: LocalSentry
) -> None:
    @inlineCallbacks
    def serve(number: str) -> Any:
        watched.set_tag("number", number)
        yield waiting
        watched.capture_message(number)

    waiting: Deferred[None] = Deferred()
    with opened(watched) as first, opened(watched) as second:
        first(lambda: serve("1"))
        second(lambda: serve("2"))
        waiting.callback(None)
    assert [(outline(event), event["tags"]) for event in sentry.events] == [
        ("1", {"number": "1"}),
        ("2", {"number": "2"}),
    ]


def test_a_callback_is_carried(watched: Client[Any], sentry: LocalSentry) -> None:
    def know() -> None:
        watched.set_tag("known", "there")
        carried.append(carry(tell))

    def tell(message: str) -> None:
        watched.capture_message(message)
        if message == "once":
            carried[0]("again")

    carried: list[Callable[[str], None]] = []
    fired: Deferred[str] = Deferred()
    with opened(watched) as run_there:
        run_there(know)
        fired.addCallback(carried[0])
        fired.callback("once")
    assert [(outline(event), event["tags"]) for event in sentry.events] == [
        ("once", {"known": "there"}),
        ("again", {"known": "there"}),
    ]


# Messages


@pytest.mark.usefixtures("watched")
def test_messages_that_are_errors_are_events(sentry: LocalSentry) -> None:
    shop.error("no {fruit}", fruit="tea")
    shop.critical("closed")
    shop.warn("nearly sold out")
    shop.error(None, reason="no text")
    first, second, third = sentry.events
    assert (first["level"], first["logger"]) == ("error", "shop")
    assert first["logentry"] == {"message": "no {fruit}", "formatted": "no tea"}
    assert first["extra"] == {"fruit": "tea"}
    assert (second["level"], outline(second)) == ("fatal", "closed")
    assert third["extra"] == {"reason": "no text"}


@pytest.mark.usefixtures("watched")
def test_what_the_sdk_does_itself_is_not_reported(sentry: LocalSentry) -> None:
    raising = compile("raise Broken", "site-packages/asyncsentry_transports/twisted.py", "exec")
    with pytest.raises(Broken) as raised:
        exec(raising)
    own.work(lambda: twisted.failure("", Failure(raised.value, raised.type, raised.tb)))
    own.work(lambda: twisted.error("no answer"))
    assert sentry.events == ()


@pytest.mark.usefixtures("watched")
def test_what_fails_because_of_a_signal_in_the_midst_of_the_sdk_s_work_is_reported(sentry: LocalSentry) -> None:
    own.work(lambda: twisted.failure("", broken()))
    assert outlines(sentry) == ["Broken: broken"]


# Beside logging


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_what_is_handed_on_to_logging_is_reported_once(
    client: Client[Any], watch: SetUp, sentry: LocalSentry, first: bool
) -> None:
    bridge: Any = STDLibLogObserver()
    logging.getLogger("twisted").setLevel(logging.INFO)
    unhook = hooks.logging.install(client)
    if first:
        globalLogPublisher.addObserver(bridge)
    uninstall = watch(client=client)
    if not first:
        globalLogPublisher.addObserver(bridge)
    try:
        shop.info("a breadcrumb")
        twisted.failure("", broken())
        shop.error("no tea")
        fail(broken("abandoned"))
        gc.collect()
        assert outlines(sentry) == ["Broken: broken", "no tea", "Broken: abandoned"]
        assert mechanism(sentry.events[0]) == UNHANDLED
        crumbs = sentry.events[0]["breadcrumbs"]["values"]
        assert [crumb["message"] for crumb in crumbs] == ["a breadcrumb"]
        uninstall()
        shop.error("only logging hears it")
        assert len(sentry.events) == 4
    finally:
        globalLogPublisher.removeObserver(bridge)
        unhook()
        vars(bridge.logger).pop("findCaller")
        logging.getLogger("twisted").setLevel(logging.NOTSET)


# Set-up


def test_the_last_call_counts(watch: SetUp, open_client: OpenClient, sentry: LocalSentry) -> None:
    old, new, none = open_client(), open_client(), open_client(dsn="")
    first = watch(client=old)
    second = watch(client=new)
    shop.error("one")
    first()
    shop.error("two")
    watch(client=none)
    shop.error("three")
    second()
    assert [client.stats()["error"].captured for client in (new,)] == [2]
    assert (old.stats(), none.stats()) == ({}, {})
    assert outlines(sentry) == ["one", "two"]


# Programs


SERVICE = """
from twisted.application.service import Application, Service
from twisted.internet import reactor

import asyncsentry
from asyncsentry.integrations.twisted import SentryService


class Shop(Service):
    def startService(self):
        reactor.callLater(0, lambda: 1 / 0)
        reactor.callLater(0.1, print, "open", flush=True)

    def stopService(self):
        asyncsentry.capture_message("goodbye")


application = Application("shop")
SentryService(transport={transport!r}).setServiceParent(application)
Shop().setServiceParent(application)
asyncsentry.capture_message("early")
"""

TWISTD = "from twisted.scripts.twistd import run; run()"

REACTOR = """
from twisted.internet import reactor

import asyncsentry
from asyncsentry.integrations.twisted import setup

setup(transport="twisted")
asyncsentry.capture_message("early")
print("open", flush=True)
reactor.run()
"""


def run(*arguments: str, dsn: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", *arguments],
        env={**os.environ, "SENTRY_DSN": dsn},
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )


STARTED = """
import asyncsentry
from asyncsentry.integrations.twisted import SentryService

service = SentryService(transport="twisted")
asyncsentry.capture_message("early")

from twisted.application.app import startApplication
from twisted.application.service import Application
from twisted.internet import reactor

application = Application("shop")
service.setServiceParent(application)
startApplication(application, False)
reactor.callLater(0.1, asyncsentry.capture_message, "late")
reactor.callLater(0.1, reactor.stop)
reactor.run()
print(asyncsentry.get_client().stats()["error"].delivered)
"""


def test_a_service_needs_no_reactor_until_it_starts(sentry: LocalSentry, tmp_path: Path) -> None:
    with run("-c", STARTED, dsn=sentry.dsn, folder=tmp_path) as program:
        said, _ = program.communicate(timeout=PATIENCE)
    assert said == "2\n"
    assert sorted(outlines(sentry)) == ["early", "late"]


@pytest.mark.parametrize("transport", ["twisted", "threaded"])
def test_a_service_sends_what_is_left_before_it_has_stopped(
    sentry: LocalSentry, tmp_path: Path, transport: str
) -> None:
    (tmp_path / "shop.tac").write_text(SERVICE.format(transport=transport))
    with run("-c", TWISTD, "-noy", "shop.tac", dsn=sentry.dsn, folder=tmp_path) as program:
        assert program.stdout
        assert any("open" in line for line in program.stdout)
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=PATIENCE)
    events = {outline(event): event for event in sentry.events}
    assert sorted(events) == ["ZeroDivisionError: division by zero", "early", "goodbye"]
    assert mechanism(events["ZeroDivisionError: division by zero"]) == UNHANDLED


def test_what_was_captured_before_the_reactor_runs_is_sent_by_it(sentry: LocalSentry, tmp_path: Path) -> None:
    with run("-c", REACTOR, dsn=sentry.dsn, folder=tmp_path) as program:
        try:
            sentry.wait_for_events(1, PATIENCE)
        finally:
            program.terminate()
            program.communicate(timeout=PATIENCE)
    assert outlines(sentry) == ["early"]
