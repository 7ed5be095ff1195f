"""Which errors an integration reports, and as what: nobody handled it, or an answer says that something is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism, grouped_in
from asyncsentry.integrations._statuses import FAILED, Statuses

ErrorTypes: TypeAlias = tuple[type[BaseException], ...]


def never(_: BaseException) -> bool:
    """Of a framework that raises nothing that it has answered."""
    return False


@dataclass(frozen=True, slots=True)
class Errors:
    """A framework's way with errors."""

    handled: Mechanism
    unhandled: Mechanism
    failed: Statuses = FAILED
    harmless: ErrorTypes = ()
    """Those that are nobody's fault: it raises them where a client hangs up."""
    raises_again: Callable[[BaseException], bool] = never
    """Whether it raises an error once more that is being answered now: then nobody handled it."""

    def raised(self, error: Exception, client: Client[Any]) -> None:
        """One that has come through the application."""
        if consists_of(error, self.harmless):
            client.disregard(error)
        else:
            client.report(error, self.unhandled)

    def answered(self, error: Exception, status: int, client: Client[Any]) -> None:
        """One that is being answered with this status."""
        if consists_of(error, self.harmless):
            return
        if self.raises_again(error):
            client.report(error, self.unhandled)
        elif status in self.failed:
            client.report(error, self.handled)


def in_hand(before: BaseException | None) -> Exception | None:
    """What is being handled here, unless it was so before: who answers meanwhile, answers for that."""
    error = sys.exc_info()[1]
    return error if error is not before and isinstance(error, Exception) else None


def consists_of(error: BaseException, types: ErrorTypes) -> bool:
    """Whether an error is of one of these types, or a group of nothing else."""
    if issubclass(type(error), types):  # `isinstance` would ask the error for its class
        return True
    members = grouped_in(error)
    return bool(members) and all(consists_of(member, types) for member in members)
