"""What Twisted logs, heard by an observer of its own: https://docs.twisted.org/en/stable/core/howto/logger.html"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from twisted.logger import LogEvent, LogLevel, formatEvent
from twisted.python.failure import Failure

from asyncsentry import own
from asyncsentry.client import Client
from asyncsentry.integrations._clients import Clients
from asyncsentry.integrations._twisted_failure import HANDLED, UNHANDLED, is_known, report

_SERIOUS: Final = (LogLevel.error, LogLevel.critical)

_OWN: Final = "asyncsentry_transports"
"""Is in the paths of the modules that send."""

_IN_DEFERRED: Final = "Unhandled error in Deferred"
_ABANDONED: Final = UNHANDLED._replace(description=_IN_DEFERRED)

_FURNITURE: Final = frozenset(
    {"debugInfo", "failure", "format", "isError", "logLevel", "message", "system", "time", "why"}
)
"""What events have beside what somebody wants to tell with them; other such names begin with ``log_``."""


class Observer:
    """Reports failures, and messages that are errors."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def __call__(self, event: LogEvent) -> None:
        client = self._clients()
        if event.get("log_level") not in _SERIOUS or not client.active:
            return
        failure = event.get("log_failure") or event.get("failure")  # the latter comes from `twisted.python.log`
        if not isinstance(failure, Failure):
            if not _announces_failure(event) and not own.at_work():
                client.capture_event(_message(event), {"log_event": event})
        elif not is_known(failure) and not (own.at_work() and _is_own(failure)):
            self._report(client, failure, event)

    def _report(self, client: Client[Any], failure: Failure, event: LogEvent) -> None:
        if "debugInfo" in event:
            # A Deferred is found to be abandoned when it is collected, in whatever happens to run then.
            about = {"logger": _logger(event), "logentry": {"formatted": _IN_DEFERRED}}
            report(client, failure, _ABANDONED, event=about, hint={"log_event": event}, scope=client.global_only())
        else:
            mechanism = UNHANDLED if _logger(event).partition(".")[0] == "twisted" else HANDLED
            report(client, failure, mechanism, event=_about(event), hint={"log_event": event})


def is_bridged(record: logging.LogRecord) -> bool:
    """Whether a record of `logging` is one of Twisted's, for whom a `STDLibLogObserver` hands on what it hears."""
    return record.levelno >= logging.ERROR and type(record.msg).__module__ == "twisted.logger._stdlib"


def _is_own(failure: Failure) -> bool:
    """Whether it came through what sends for us. What a signal handler asks of a reactor in the midst of our work runs
    in our context, too: the end of the program is one such thing."""
    return _OWN in " ".join(path for _, path, *_ in failure.frames)


def _announces_failure(event: Mapping[str, Any]) -> bool:
    """Whether the failure comes in an event of its own, right after this one."""
    return event.get("log_namespace") == "twisted.internet.defer" and event.get("log_format") == f"{_IN_DEFERRED}:"


def _logger(event: Mapping[str, Any]) -> str:
    return str(event.get("log_namespace", "twisted"))


def _about(event: LogEvent) -> dict[str, Any]:
    told = {"logger": _logger(event), "extra": _extra(event)}
    text = event.get("why") if "failure" in event else formatEvent(event)
    return {**told, "logentry": {"formatted": text}} if text else told


def _message(event: LogEvent) -> dict[str, Any]:
    legacy = "log_text" in event
    fatal = event["log_level"] is LogLevel.critical and not legacy
    entry = {"formatted": formatEvent(event)}
    if not legacy:
        entry["message"] = event.get("log_format") or ""
    return {
        "level": "fatal" if fatal else "error",
        "logger": _logger(event),
        "logentry": entry,
        "extra": _extra(event),
    }


def _extra(event: Mapping[str, Any]) -> dict[str, Any]:
    """What was logged besides; of the part of Twisted that was at work, what it calls itself."""
    extra = {name: value for name, value in event.items() if not name.startswith("log_") and name not in _FURNITURE}
    system = event.get("log_system")
    return extra if system in (None, "-") else {**extra, "log_system": system}
