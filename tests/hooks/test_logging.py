"""Log records: which become events, which breadcrumbs, and which neither."""

from __future__ import annotations

import logging
import logging.config
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.rules import MESSAGE_LIMIT
from asyncsentry.hooks import logging as hook
from asyncsentry.testing import LocalSentry
from asyncsentry.transport.protocol import Request, Settle
from asyncsentry_transports.urllib import UrllibTransport

Events = Callable[[], tuple[dict[str, Any], ...]]


@pytest.fixture
def log(request: pytest.FixtureRequest) -> logging.Logger:
    """A logger of this test's own, which lets everything through."""
    logger = logging.getLogger(f"shop.{request.node.name}")
    logger.setLevel(logging.DEBUG)
    return logger


@pytest.fixture
def events(client: Client[Any], sentry: LocalSentry) -> Iterator[Events]:
    """With the hook installed: everything that the server has received, once the client has nothing left to send."""

    def events() -> tuple[dict[str, Any], ...]:
        assert client.flush(timeout=5)
        return sentry.events

    uninstall = hook.install(client)
    yield events
    uninstall()


def crumbs_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    crumbs: list[dict[str, Any]] = event.get("breadcrumbs", {}).get("values", [])
    return crumbs


def test_an_error_record_is_an_event_with_its_template_and_what_went_into_it(
    events: Events, log: logging.Logger
) -> None:
    log.error("lost order %d of %s", 7, "Ada")
    (event,) = events()
    assert event["logentry"] == {
        "message": "lost order %d of %s",
        "params": [7, "Ada"],
        "formatted": "lost order 7 of Ada",
    }
    assert event["logger"] == log.name
    assert event["level"] == "error"
    assert "exception" not in event


def test_a_record_may_take_its_arguments_by_name(events: Events, log: logging.Logger) -> None:
    log.error("lost order %(order)d", {"order": 7})
    (event,) = events()
    assert event["logentry"] == {
        "message": "lost order %(order)d",
        "params": {"order": 7},
        "formatted": "lost order 7",
    }


def test_a_record_with_an_error_shows_the_error_and_the_message(events: Events, log: logging.Logger) -> None:
    try:
        int("tea")
    except ValueError:
        log.exception("no %s", "tea")
    (event,) = events()
    (error,) = event["exception"]["values"]
    assert error["type"] == "ValueError"
    assert error["mechanism"] == {"type": "logging", "handled": True}
    assert error["stacktrace"]["frames"][-1]["context_line"].strip() == 'int("tea")'
    assert event["logentry"] == {"message": "no %s", "params": ["tea"], "formatted": "no tea"}
    assert event["logger"] == log.name


def test_exception_outside_of_any_except_is_a_message(events: Events, log: logging.Logger) -> None:
    log.exception("nothing was raised")  # noqa: LOG004
    (event,) = events()
    assert "exception" not in event
    assert event["logentry"]["formatted"] == "nothing was raised"


@pytest.mark.parametrize(
    ("number", "level"), [(logging.CRITICAL, "fatal"), (logging.ERROR, "error"), (45, "error"), (60, "fatal")]
)
def test_t11_an_event_s_level_is_sentry_s_name_for_the_record_s(
    events: Events, log: logging.Logger, number: int, level: str
) -> None:
    log.log(number, "hm")
    (event,) = events()
    assert event["level"] == level


@pytest.mark.parametrize(("number", "level"), [(logging.WARNING, "warning"), (logging.INFO, "info"), (25, "info")])
def test_t11_a_breadcrumb_s_level_is_sentry_s_name_for_the_record_s(
    events: Events, log: logging.Logger, number: int, level: str
) -> None:
    log.log(number, "hm")
    log.error("and then")
    (event,) = events()
    (crumb,) = crumbs_of(event)
    assert crumb["level"] == level


def test_what_was_logged_before_is_on_the_event_as_breadcrumbs(events: Events, log: logging.Logger) -> None:
    log.debug("too fine")
    log.info("order %d", 7, extra={"table": 3})
    log.warning("getting slow")
    log.error("failed")
    (event,) = events()
    assert [crumb["message"] for crumb in crumbs_of(event)] == ["order 7", "getting slow"]
    crumb = crumbs_of(event)[0]
    assert (crumb["type"], crumb["category"], crumb["data"]) == ("log", log.name, {"table": 3})


@pytest.mark.parametrize(
    ("odd", "name", "shown"),
    [
        ({"msg": "x" * 100_000}, "message", "x" * (MESSAGE_LIMIT - 3) + "..."),
        ({"name": "n" * 1000}, "category", "n" * 125 + "..."),
        ({"name": 7}, "category", "7"),
        ({"created": 5}, "timestamp", 5.0),
        ({"password": "x"}, "data", {"password": "[Filtered]"}),
    ],
    ids=["long message", "long name", "name that is none", "time that is no float", "secret"],
)
def test_a_breadcrumb_of_any_record_is_as_servers_take_it(
    events: Events, log: logging.Logger, odd: dict[str, Any], name: str, shown: object
) -> None:
    log.handle(logging.makeLogRecord({"msg": "odd", "name": log.name, "levelno": logging.INFO, **odd}))
    log.error("and then")
    (event,) = events()
    (crumb,) = crumbs_of(event)
    assert crumb[name] == shown


def test_before_breadcrumb_is_asked_for_every_record(sentry: LocalSentry, log: logging.Logger) -> None:
    def before_breadcrumb(crumb: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        return {**crumb, "message": ValueError(hint["log_record"].name)}

    client = Client(sentry.dsn_for("threaded"), before_breadcrumb=before_breadcrumb)
    uninstall = hook.install(client)
    log.info("look at me")
    log.error("and then")
    uninstall()
    client.close(timeout=5)
    (crumb,) = crumbs_of(sentry.events[0])
    assert crumb["message"] == log.name


def test_an_error_record_is_a_breadcrumb_of_the_next_event(events: Events, log: logging.Logger) -> None:
    log.error("first")
    log.error("second")
    _, second = events()
    assert [(crumb["message"], crumb["level"]) for crumb in crumbs_of(second)] == [("first", "error")]


def test_extra_fields_of_the_record_are_extra_data_of_the_event(events: Events, log: logging.Logger) -> None:
    log.error("failed", extra={"table": 3, "guest": {"name": "Ada"}})
    (event,) = events()
    assert event["extra"] == {"table": 3, "guest": {"name": "Ada"}}


def test_the_stack_that_was_asked_for_is_sent(events: Events, log: logging.Logger) -> None:
    log.error("failed", stack_info=True)
    (event,) = events()
    (thread,) = event["threads"]["values"]
    assert thread["stacktrace"]["frames"][-1]["function"] == "test_the_stack_that_was_asked_for_is_sent"


def test_an_error_that_was_captured_already_is_one_event(
    events: Events, client: Client[Any], log: logging.Logger
) -> None:
    try:
        raise ValueError("once")
    except ValueError as error:
        client.capture_exception(error)
        log.exception("it failed")
    (event,) = events()
    assert event["exception"]["values"][-1]["mechanism"] == {"type": "generic", "handled": True}


def test_the_application_s_handlers_still_get_every_record(
    events: Events, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    log.debug("fine")
    log.error("failed %s", "twice", extra={"table": 3})
    assert [record.getMessage() for record in caplog.records if record.name == log.name] == ["fine", "failed twice"]
    assert caplog.records[-1].pathname == __file__
    assert len(events()) == 1


def test_a_logger_that_does_not_propagate_is_heard(events: Events, log: logging.Logger) -> None:
    log.propagate = False
    log.addHandler(logging.NullHandler())
    log.error("unheard elsewhere")
    assert len(events()) == 1


def test_logging_that_is_configured_afterwards_is_heard(events: Events, log: logging.Logger) -> None:
    logging.config.dictConfig(
        {"version": 1, "disable_existing_loggers": False, "loggers": {log.name: {"level": "ERROR"}}}
    )
    log.error("after")
    log.warning("now too fine")
    assert len(events()) == 1


def test_a_level_that_is_disabled_reaches_nothing_of_ours(events: Events, log: logging.Logger) -> None:
    log.setLevel(logging.CRITICAL)
    log.error("switched off")
    assert events() == ()


def test_a_record_that_a_filter_of_the_logger_drops_is_not_heard(events: Events, log: logging.Logger) -> None:
    log.addFilter(lambda record: "secret" not in record.getMessage())
    log.error("secret")
    assert events() == ()


def test_other_levels_can_be_chosen(client: Client[Any], sentry: LocalSentry, log: logging.Logger) -> None:
    uninstall = hook.install(client, event_level=logging.WARNING, breadcrumb_level=None)
    log.info("no breadcrumb")
    log.warning("an event")
    uninstall()
    (event,) = sentry.wait_for_events(1)
    assert event["level"] == "warning"
    assert crumbs_of(event) == []


def test_events_can_be_left_out(client: Client[Any], sentry: LocalSentry, log: logging.Logger) -> None:
    uninstall = hook.install(client, event_level=None)
    log.error("only a breadcrumb")
    client.capture_message("hello")
    uninstall()
    (event,) = sentry.wait_for_events(1)
    assert [crumb["message"] for crumb in crumbs_of(event)] == ["only a breadcrumb"]


def test_an_ignored_logger_and_those_below_it_are_not_heard(events: Events) -> None:
    hook.ignore_logger("noisy")
    logging.getLogger("noisy").error("one")
    logging.getLogger("noisy.child").error("two")
    logging.getLogger("noisyneighbour").error("three")
    (event,) = events()
    assert event["logentry"]["formatted"] == "three"
    assert crumbs_of(event) == []


def test_a_record_that_somebody_claims_is_not_heard(events: Events, log: logging.Logger) -> None:
    unclaim = hook.claim(lambda record: record.name == log.name and record.msg == "reported elsewhere")
    log.error("reported elsewhere")
    log.error("not reported")
    unclaim()
    unclaim()
    log.error("reported elsewhere")
    assert [event["logentry"]["formatted"] for event in events()] == ["not reported", "reported elsewhere"]


def test_t34_the_sdk_s_own_records_are_neither_events_nor_breadcrumbs(events: Events, log: logging.Logger) -> None:
    logging.getLogger("asyncsentry").error("ours")
    logging.getLogger("asyncsentry.child").error("ours")
    log.error("theirs")
    (event,) = events()
    assert event["logentry"]["formatted"] == "theirs"
    assert crumbs_of(event) == []


def test_t34_what_a_library_logs_while_we_send_with_it_is_not_heard(sentry: LocalSentry, log: logging.Logger) -> None:
    """It would be sent, and logged again, for ever."""

    class Chatty(UrllibTransport):
        def send(self, request: Request, settle: Settle, /) -> None:
            log.error("I am sending")
            super().send(request, settle)

    client = Client(sentry.dsn, transport=Chatty)
    uninstall = hook.install(client)
    log.error("the event")
    uninstall()
    client.close(timeout=5)
    (event,) = sentry.events
    assert event["logentry"]["formatted"] == "the event"


def test_what_the_application_logs_when_it_hears_that_all_is_delivered_is_heard(
    sentry: LocalSentry, log: logging.Logger
) -> None:
    client = Client(sentry.dsn_for("threaded"), max_in_flight=1)
    uninstall = hook.install(client)
    log.error("the event")
    client._idle().add_done_callback(lambda _: log.error("the event is delivered"))
    sentry.wait_for_events(2)
    uninstall()
    client.close(timeout=5)
    assert [event["logentry"]["formatted"] for event in sentry.events] == ["the event", "the event is delivered"]


def test_what_is_logged_while_a_record_is_heard_ends_there(sentry: LocalSentry, log: logging.Logger) -> None:
    def before_send(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        log.error("on my way out")
        return event

    def before_breadcrumb(crumb: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        log.info("and another")
        return crumb

    client = Client(sentry.dsn_for("threaded"), before_send=before_send, before_breadcrumb=before_breadcrumb)
    uninstall = hook.install(client)
    log.info("a crumb")
    log.error("the event")
    uninstall()
    client.close(timeout=5)
    (event,) = sentry.events
    assert event["logentry"]["formatted"] == "the event"
    assert [crumb["message"] for crumb in crumbs_of(event)] == ["a crumb"]


def test_hooks_of_the_application_see_the_record(sentry: LocalSentry, log: logging.Logger) -> None:
    seen: list[logging.LogRecord] = []

    def before_send(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        seen.append(hint["log_record"])
        return event

    client = Client(sentry.dsn_for("threaded"), before_send=before_send)
    uninstall = hook.install(client)
    log.error("look at me")
    uninstall()
    client.close(timeout=5)
    assert [record.getMessage() for record in seen] == ["look at me"]


@pytest.mark.filterwarnings("ignore")
def test_arguments_that_do_not_fit_the_template_lose_nothing(
    events: Events, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    log.propagate = False
    log.info("a %d crumb", "bad")
    log.error("order %d", "seven")
    (event,) = events()
    assert event["logentry"]["message"] == "order %d"
    assert event["logentry"]["params"] == ["seven"]
    assert [crumb["message"] for crumb in crumbs_of(event)] == ["a %d crumb"]


def test_an_argument_that_cannot_be_shown_does_not_reach_the_application(events: Events, log: logging.Logger) -> None:
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no")

        __repr__ = __str__

    log.propagate = False
    log.addHandler(logging.NullHandler())
    log.error("look: %s", Hostile())
    log.error(Hostile())
    assert len(events()) == 2


def test_an_argument_that_ends_the_program_when_it_is_shown_does_not(events: Events, log: logging.Logger) -> None:
    class Hostile:
        def __str__(self) -> str:
            raise SystemExit(3)

    log.propagate = False
    log.addHandler(logging.NullHandler())
    log.info("look: %s", Hostile())
    log.error("now")
    (event,) = events()
    assert [crumb["message"] for crumb in crumbs_of(event)] == ["look: %s"]


@pytest.mark.parametrize("info", [(5, 6, 7), (ValueError,), True, "text"])
def test_a_record_with_nonsense_for_an_error_is_a_message(events: Events, log: logging.Logger, info: Any) -> None:
    log.propagate = False
    log.addHandler(logging.NullHandler())
    log.handle(logging.makeLogRecord({"levelno": logging.ERROR, "levelname": "ERROR", "msg": "x", "exc_info": info}))
    (event,) = events()
    assert event["logentry"]["formatted"] == "x"


class OwnRecord(logging.LogRecord):
    """As a factory of the program's own makes them."""

    def getMessage(self) -> str:  # noqa: N802  # it is logging's own name
        if self.msg == "hostile":
            raise SystemExit(3)
        return f"own: {self.msg}"


@pytest.mark.parametrize(("message", "shown"), [("text", "own: text"), ("hostile", "hostile")])
def test_a_record_of_the_program_s_own_says_itself_what_it_says(
    events: Events, log: logging.Logger, message: str, shown: str
) -> None:
    log.propagate = False
    log.handle(OwnRecord(log.name, logging.INFO, "shop.py", 1, message, (), None))
    log.error("now")
    (event,) = events()
    assert [crumb["message"] for crumb in crumbs_of(event)] == [shown]


def test_installing_twice_hears_once_and_uninstalling_twice_does_no_harm(
    client: Client[Any], sentry: LocalSentry, log: logging.Logger
) -> None:
    before = logging.Logger.filter
    hook.install(client)
    uninstall = hook.install(client)
    log.error("once")
    uninstall()
    uninstall()
    log.error("never")
    assert client.flush(timeout=5)
    assert len(sentry.events) == 1
    assert logging.Logger.filter is before


def test_what_a_filter_of_the_loggers_holds_back_is_not_heard(events: Events, log: logging.Logger) -> None:
    log.addFilter(lambda record: "secret" not in record.getMessage())
    log.error("a secret")
    assert events() == ()


def test_a_filter_that_fails_fails_as_ever(log: logging.Logger, events: Events) -> None:
    def fail(record: logging.LogRecord) -> bool:
        raise ValueError("no")

    log.addFilter(fail)
    with pytest.raises(ValueError, match="no") as caught:
        log.error("lost")
    steps = ["handle", "filter", "fail"] if sys.version_info >= (3, 11) else ["hook", "filter", "fail"]
    assert [entry.name for entry in caught.traceback[-3:]] == steps
    assert events() == ()


def test_what_a_filter_gives_in_place_of_a_record_is_heard(events: Events, log: logging.Logger) -> None:
    def spare(record: logging.LogRecord) -> Any:
        return logging.makeLogRecord({**vars(record), "msg": "***"})

    log.addFilter(spare)
    log.error("a secret")
    # Before Python 3.12 it says yes or no.
    assert events()[0]["logentry"]["formatted"] == ("***" if sys.version_info >= (3, 12) else "a secret")


def test_t28_a_handled_mechanism_is_what_a_log_record_gets() -> None:
    assert Mechanism("logging", handled=True) == hook._MECHANISM
