"""Twisted's failures: an exception, and the calls that it came through, which may be all that is left of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakSet

from twisted.internet.defer import CancelledError, FirstError
from twisted.python.failure import Failure

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.frames import PlainCall
from asyncsentry.events.marks import MARK
from asyncsentry.scope import Scope

UNHANDLED: Final = Mechanism("twisted", handled=False)
HANDLED: Final = Mechanism("twisted", handled=True)

HUNG_UP: Final[WeakSet[Failure]] = WeakSet()
"""How requests were told that their client is gone: nothing is wrong with the application where nobody listens."""


def report(
    client: Client[Any],
    failure: Failure,
    mechanism: Mechanism,
    *,
    event: Mapping[str, Any] | None = None,
    hint: Mapping[str, Any] | None = None,
    scope: Scope | None = None,
) -> None:
    """Report what failed, unless it is no error: what was cancelled is none, and neither is a client that goes."""
    innermost = _innermost(failure)
    error = innermost.value
    if not isinstance(error, Exception) or isinstance(error, CancelledError) or innermost in HUNG_UP:
        return
    if error.__traceback__ is None:
        mechanism = mechanism._replace(calls=_calls(innermost))
    client.report(error, mechanism, event=event, hint={"log_failure": failure, **(hint or {})}, scope=scope)


def is_known(failure: Failure) -> bool:
    """Whether somebody has captured it, for whichever client: the request that failed, for one."""
    return MARK in getattr(_innermost(failure).value, "__dict__", ())


def _innermost(failure: Failure) -> Failure:
    """The first of several that failed, and not the news that one did."""
    while isinstance(failure.value, FirstError):
        failure = failure.value.subFailure
    return failure


def _calls(failure: Failure) -> list[PlainCall]:
    """Where it was raised, as a failure that was cleaned remembers it; variables too, if it was to capture them."""
    return [
        PlainCall(function, path, line, {str(name): value for name, value in variables})
        for function, path, line, variables, _ in failure.frames
    ]
