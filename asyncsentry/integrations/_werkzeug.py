"""Werkzeug's own server, which logs what leaves an application as a text, without the error itself."""

from __future__ import annotations

import sys
from logging import LogRecord
from typing import Final

from asyncsentry.events.exceptions import Mechanism
from asyncsentry.hooks.logging import claim
from asyncsentry.hooks.place import Uninstall
from asyncsentry.integrations._clients import Clients
from asyncsentry.recorder import MARK

_MECHANISM: Final = Mechanism("werkzeug", handled=False)
_TEXT: Final = "Error on request:\n"


def claim_errors(clients: Clients) -> Uninstall:
    """Where log records are reported, report the error instead of the text, unless it is captured already."""

    def claims(record: LogRecord) -> bool:
        if record.name != "werkzeug" or not str(record.msg).startswith(_TEXT):
            return False
        error = sys.exc_info()[1]  # the server is about to handle it
        if isinstance(error, Exception) and MARK not in vars(error):
            clients().report(error, _MECHANISM, hint={"log_record": record})
        return error is not None

    return claim(claims)
