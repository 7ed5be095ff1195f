"""Werkzeug's own server, which logs what leaves an application as a text, without the error itself."""

from __future__ import annotations

import sys
from logging import LogRecord
from typing import Final
from weakref import WeakSet

from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.marks import MARK
from asyncsentry.hooks.logging import claim
from asyncsentry.integrations._clients import Clients

_MECHANISM: Final = Mechanism("werkzeug", handled=False)
_TEXT: Final = "Error on request:\n"


class ServerErrors:
    """Where log records are reported, has the error reported instead of the text, unless it is captured already.

    It does so as long as somebody has it.
    """

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        _wanted.add(self)


_wanted: WeakSet[ServerErrors] = WeakSet()


def _claims(record: LogRecord) -> bool:
    if record.name != "werkzeug" or not str(record.msg).startswith(_TEXT):
        return False
    error = sys.exc_info()[1]  # the server is about to handle it
    client = next((client for each in list(_wanted) if (client := each.clients()).active), None)
    if client is None or not isinstance(error, Exception):
        return False
    if MARK not in vars(error):
        client.report(error, _MECHANISM, hint={"log_record": record})
    return True


claim(_claims)
