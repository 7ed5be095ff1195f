"""Which errors an integration reports, and as what: nobody handled it, or an answer says that something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.integrations._statuses import FAILED, Statuses

ErrorTypes = tuple[type[BaseException], ...]


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
        if self.raises_again(error):
            self.raised(error, client)
        elif status in self.failed:
            client.report(error, self.handled)


_GROUP: Final = "BaseExceptionGroup"  # by name: Python 3.10 has it from a package


def consists_of(error: BaseException, types: ErrorTypes) -> bool:
    """Whether an error is of one of these types, or a group of nothing else."""
    if issubclass(type(error), types):  # `isinstance` would ask the error for its class
        return True
    if _GROUP not in (kind.__name__ for kind in type(error).__mro__):
        return False
    group: Any = error
    return all(consists_of(member, types) for member in group.exceptions)
