"""From what happened to what is queued: the order of decisions, the cheapest first, each no with its own reason.

Nothing here raises, and nothing waits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from asyncsentry.assembly import Assembly
from asyncsentry.delivery.dispatcher import Dispatcher
from asyncsentry.delivery.losses import Reason
from asyncsentry.events.attributes import new_event_id
from asyncsentry.events.breadcrumbs import breadcrumb
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.facts import Facts
from asyncsentry.options import Options
from asyncsentry.scope import Scope
from asyncsentry.scopes import Scopes
from asyncsentry.selection import Selection

if TYPE_CHECKING:
    from asyncsentry.types import Event, Hint

logger = logging.getLogger("asyncsentry")

MARK: Final = "__asyncsentry__"
"""The key in an exception's ``__dict__`` under which the clients that have captured it are noted, with the event's id.

It is the only thing about an application's exception that we ever change.
"""


class _Inside(threading.local):
    """Whether this thread is in the middle of a capture: what that calls (a ``__repr__``, a callback) may capture."""

    capturing = False


class Recorder:
    """Captures for one client."""

    def __init__(self, options: Options, scopes: Scopes, facts: Facts, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self._facts = facts
        self._scopes = scopes
        self._options = options
        self._selection = Selection(options)
        self._assembly = Assembly(options, facts)
        self.rules = self._assembly.rules
        self._inside = _Inside()
        self._token = new_event_id()

    def report(
        self,
        error: BaseException,
        mechanism: Mechanism,
        event: Mapping[str, Any] | None,
        hint: Mapping[str, Any] | None,
        scope: Scope | None,
    ) -> str | None:
        """An error; one that this client has captured before gives the id it got then."""
        marks = _marks(error)
        if self._token in marks:
            return marks[self._token]
        marks[self._token] = None
        full_hint = {"exc_info": (type(error), error, error.__traceback__), **(hint or {})}

        def make(event_id: str, known: Scope) -> tuple[Event, int]:
            return self._assembly.of_error(event_id, error, mechanism, known, event or {})

        event_id = self._capture(lambda: self._selection.refusal(error, full_hint), make, full_hint, scope)
        marks[self._token] = event_id
        return event_id

    def report_event(
        self,
        event: Mapping[str, Any],
        hint: Mapping[str, Any] | None,
        scope: Scope | None,
        *,
        stack: bool = False,
    ) -> str | None:
        """A message, or an event that somebody else made; ``stack`` adds the stack of the call."""

        def make(event_id: str, known: Scope) -> tuple[Event, int]:
            return self._assembly.of_event(event_id, event, known, stack=stack)

        return self._capture(self._selection.sample, make, dict(hint or {}), scope)

    def add_breadcrumb(self, crumb: Mapping[str, Any], hint: Hint) -> None:
        """Note what happened, as plain data, on the isolation scope."""
        kept: dict[str, Any] | None = {"timestamp": time.time(), **crumb}
        if self._options.before_breadcrumb is not None:
            try:
                kept = self._options.before_breadcrumb(kept or {}, hint)
            except Exception:
                logger.exception("before_breadcrumb failed: the breadcrumb is dropped")
                return
        if kept is not None:
            self._scopes.isolation().breadcrumbs.append(breadcrumb(kept, self.rules))

    def _capture(
        self,
        select: Callable[[], Reason | None],
        make: Callable[[str, Scope], tuple[Event, int]],
        hint: Hint,
        scope: Scope | None,
    ) -> str | None:
        if self._inside.capturing:
            self.dispatcher.lose("event_processor", "error")
            return None
        self._inside.capturing = True
        try:
            reason = select() or self.dispatcher.refusal("error")
            if reason is None:
                return self._make_and_put(make, hint, scope or self._scopes.merged())
        except Exception:
            logger.debug("an event could not be made", exc_info=True)
            reason = "internal_sdk_error"
        finally:
            self._inside.capturing = False
        self.dispatcher.lose(reason, "error")
        return None

    def _make_and_put(self, make: Callable[[str, Scope], tuple[Event, int]], hint: Hint, known: Scope) -> str | None:
        self._facts.find_out()
        event, weight = make(new_event_id(), known)
        if self._options.before_send is not None:
            changed = self._before_send(event, hint)
            if changed is None:
                self.dispatcher.lose("before_send", "error")
                return None
            event, weight = self._assembly.mend(changed, str(event["event_id"]))
        item = self._assembly.item(event, weight, known.attachments)
        self.dispatcher.put(item)
        self._scopes.last_event_id.set(item.id)
        return item.id

    def _before_send(self, event: Event, hint: Hint) -> Event | None:
        assert self._options.before_send is not None
        try:
            return self._options.before_send(event, hint)
        except Exception:
            logger.exception("before_send failed: the event is dropped")
            return None


def _marks(error: BaseException) -> dict[str, str | None]:
    try:
        marks = error.__dict__.setdefault(MARK, {})
    except Exception:  # somebody's own ``__dict__``: then each capture of the error is an event
        return {}
    return marks if type(marks) is dict else {}
