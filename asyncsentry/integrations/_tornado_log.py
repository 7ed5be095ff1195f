"""What Tornado logs: the errors of callbacks among it, which nobody else hears of."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Final

import tornado
from tornado.websocket import WebSocketClosedError

from asyncsentry.events.marks import MARK
from asyncsentry.events.messages import formatted
from asyncsentry.hooks.listening import Listening
from asyncsentry.hooks.logging import claim
from asyncsentry.hooks.place import Uninstall
from asyncsentry.integrations._clients import Clients
from asyncsentry.integrations._tornado_handler import UNHANDLED

_HOME: Final = os.path.dirname(tornado.__file__) + os.sep

_LOGGED: Final = tuple(map(Listening, ("tornado.application", "tornado.general")))


def listen(clients: Clients) -> Uninstall:
    """Report the errors that Tornado logs itself, instead of the logging hook; where several ask, to the last.

    What its logs say besides of a request that has failed, its line in the log of requests for one, is no event.
    """
    report = _Report(clients)
    leaving = [logged.listen(report) for logged in _LOGGED]
    leaving.append(claim(report.claims))

    def leave() -> None:
        for each in leaving:
            each()

    return leave


@dataclass(frozen=True, slots=True, eq=False)
class _Report:
    clients: Clients

    def __call__(self, record: logging.LogRecord) -> None:
        error = _error(record)
        if not isinstance(error, Exception) or _is_seen_to(record, error):
            return
        client = self.clients()
        event = {"logger": record.name, "logentry": {"formatted": formatted(record.msg, record.args)}}
        scope = client.known_to_task_of(error)
        client.report(error, UNHANDLED, event=event, hint={"log_record": record}, scope=scope)

    def claims(self, record: logging.LogRecord) -> bool:
        if record.name == "tornado.access":
            return True
        if not any(logged.covers(record) for logged in _LOGGED):
            return False
        return _error(record) is not None or _is_aftermath(record)


def _error(record: logging.LogRecord) -> BaseException | None:
    """What Tornado itself says was raised: applications may log there, too."""
    if record.exc_info and record.levelno >= logging.ERROR and record.pathname.startswith(_HOME):
        return record.exc_info[1]
    return None


def _is_seen_to(record: logging.LogRecord, error: Exception) -> bool:
    """Whether somebody has reported it, or knows better: the handler that raised it, for one.

    That a WebSocket is closed is said of those of clients that are gone, before Tornado 6.5 outside of the handler.
    """
    return MARK in vars(error) or isinstance(error, WebSocketClosedError) or _is_aftermath(record)


def _is_aftermath(record: logging.LogRecord) -> bool:
    """Whether it says, beside the error itself, that this cannot be answered any more."""
    return record.name == "tornado.general" and record.funcName == "send_error"
