"""Which answers mean that something is wrong with the application, and not with the request."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any, Final, TypeAlias

from asyncsentry.errors import OptionError

Statuses: TypeAlias = Container[int]

FAILED: Final[Statuses] = range(500, 600)
"""What an error that a framework turns into an answer has to be answered with to be reported, unless otherwise said."""

EVENT_ID_HEADER: Final = "X-Sentry-ID"
"""Names, in an answer, the event that was captured in its request: what a user may quote."""


def statuses(given: Any) -> Statuses:
    """The option ``failed_request_status_codes``, checked. Raises `OptionError` if it holds no statuses."""
    found = set()
    for status in given if isinstance(given, Iterable) else (None,):
        if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
            raise OptionError("failed_request_status_codes must hold numbers from 100 to 599, such as range(500, 600)")
        found.add(int(status))
    return frozenset(found)
