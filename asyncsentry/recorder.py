"""From what happened to what is queued: the order of decisions, the cheapest first, each no with its own reason.

Nothing here raises, and nothing waits.
"""

from __future__ import annotations

import logging
import threading
import time
from _thread import interrupt_main
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from asyncsentry.diary import Complaints
from asyncsentry.events.attributes import new_event_id
from asyncsentry.events.exceptions import COUNT_LIMIT, Mechanism, grouped_in
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.issues import Issue, issue_of_error, issue_of_event
from asyncsentry.options import Options
from asyncsentry.scope import Scope
from asyncsentry.scopes import Scopes

if TYPE_CHECKING:
    from asyncsentry.delivery.losses import Reason
    from asyncsentry.delivery.spool.crashes import Crash
    from asyncsentry.item import Gap
    from asyncsentry.shipping import Shipping
    from asyncsentry.types import Event

logger = logging.getLogger("asyncsentry")

Known: TypeAlias = Callable[[], Scope]
"""Gives what is known where something was captured; it is only asked when the event is made."""

MARK: Final = "__asyncsentry__"
"""The key in an exception's ``__dict__`` under which the clients that have captured it are noted, with the event's id.

It is the only thing about an application's exception that we ever change.
"""

LAST_WORDS: Final = "excepthook"
"""The mechanism of what ends the program, which is never held back."""

CAPTURED: Final = Mechanism("generic", handled=True)
"""How an error came to us that the application handed in itself."""


class _Inside(threading.local):
    """Whether this thread is in the middle of a capture: what that calls (a ``__repr__``, a callback) may capture."""

    capturing = False
    interrupted = False
    """Whether Ctrl-C was among what foreign code raised meanwhile."""
    put_off: Callable[[], None] | None = None
    """What sees to it that the event is sent in the end, from the moment on at which it is given away."""


class Recorder:
    """Captures for one client."""

    def __init__(self, options: Options, scopes: Scopes, shipping: Shipping) -> None:
        # Only now, for a program without a DSN makes no events; and now, not in a capture, for a fork in the midst of
        # another thread's import leaves a child that waits for that import for ever.
        from asyncsentry.assembly import Assembly
        from asyncsentry.callbacks import Callbacks
        from asyncsentry.delivery.flood import Flood
        from asyncsentry.selection import Selection

        self._shipping = shipping
        self._scopes = scopes
        self._options = options
        self._complaints = Complaints()
        self._selection = Selection(options, self._complaints)
        self._callbacks = Callbacks(options, self._complaints)
        self._flood = Flood(options.flood_limit, time.monotonic) if options.flood_limit else None
        self._assembly = Assembly(options, shipping.facts)
        self._inside = _Inside()
        self._token = new_event_id()

    def report(
        self,
        error: BaseException,
        mechanism: Mechanism,
        known: Known,
        *,
        event: Mapping[str, Any] | None = None,
        hint: Mapping[str, Any] | None = None,
    ) -> str | None:
        """An error; one that this client has captured before gives the id it got then."""
        return self._capture(lambda: self._report(error, mechanism, known, event or {}, hint or {}))

    def disregard(self, error: BaseException) -> None:
        """Report this error no more, whoever sees it next."""
        _marks(error).setdefault(self._token, None)

    def report_event(
        self,
        event: Mapping[str, Any],
        known: Known,
        *,
        hint: Mapping[str, Any] | None = None,
        stack: bool = False,
    ) -> str | None:
        """A message, or an event that somebody else made; ``stack`` adds the stack of the call."""
        return self._capture(lambda: self._report_event(event, known, hint or {}, stack=stack))

    def report_crash(self, crash: Crash, known: Scope) -> None:
        """What `faulthandler` wrote when another process crashed; ``known`` is what is true of all processes.

        The events of a crash that is reported twice have the ids that they had the first time.
        """
        from asyncsentry.events.fatal import fatal_events

        scope = known.fork()
        scope.add_attachment(crash.text.encode(), filename="faulthandler.txt", content_type="text/plain")
        for event in fatal_events(crash.text, crash.seconds, crash.origin, self._assembly.rules):
            self.report_event(event, scope.fork)

    def add_breadcrumb(
        self, crumb: Mapping[str, Any] | None, fields: Mapping[str, Any], hint: Mapping[str, Any] | None
    ) -> None:
        """Note what happened, as plain data, on the isolation scope."""
        most = self._options.max_breadcrumbs
        if not most or self._inside.capturing:
            return
        self._inside.capturing = True
        try:
            made = {**crumb, **fields} if crumb else fields
            kept: Mapping[str, Any] | None = made
            if self._callbacks.see_breadcrumbs:
                kept = self._callbacks.pass_breadcrumb({"timestamp": time.time(), **made}, hint or {})
            if kept is not None:
                crumbs = self._scopes.isolation().breadcrumbs
                crumbs.append(self._assembly.breadcrumb(kept))
                if len(crumbs) > most:
                    crumbs.popleft()
        except Exception:
            logger.debug("a breadcrumb could not be made", exc_info=True)
        finally:
            self._inside.capturing = False

    def _capture(self, capture: Callable[[], str | None]) -> str | None:
        if self._inside.capturing:
            return self._lose("event_processor")
        self._inside.capturing = True
        try:
            return capture()
        except Exception:
            logger.debug("an event could not be made", exc_info=True)
            return self._break_off()
        except BaseException:  # somebody's wish to end the program, or this task: not ours to refuse
            self._break_off()
            raise
        finally:
            self._inside.capturing = False
            self._inside.put_off = None
            if self._inside.interrupted:
                self._inside.interrupted = False
                interrupt_main()

    def _report(
        self,
        error: BaseException,
        mechanism: Mechanism,
        known: Known,
        event: Mapping[str, Any],
        hint: Mapping[str, Any],
    ) -> str | None:
        if not issubclass(type(error), BaseException):
            self._complaints.wrong("capture_exception takes an exception", "what is none is not sent")
            return self._lose("internal_sdk_error")
        if self._selection.ignores(type(error)):
            return self._lose("event_processor")
        marks = _marks(error)
        if self._token not in marks and (known_ids := _ids_of_members(error, self._token)):
            marks[self._token] = next(filter(None, known_ids), None)
        if self._token in marks:
            return marks[self._token]
        marks[self._token] = None
        try:
            marks[self._token] = self._report_new(error, mechanism, known, event, hint)
        except BaseException:
            del marks[self._token]  # whoever sees it next may do better
            raise
        return marks[self._token]

    def _report_new(
        self,
        error: BaseException,
        mechanism: Mechanism,
        known: Known,
        event: Mapping[str, Any],
        hint: Mapping[str, Any],
    ) -> str | None:
        hint = {"exc_info": (type(error), error, _traceback_of(error)), **hint}
        if not self._selection.keeps_error(error, hint):
            return self._lose("sample_rate")

        def issue() -> Issue | None:
            return None if mechanism.type == LAST_WORDS else issue_of_error(type(error), _traceback_of(error))

        def make(known: Scope, freezer: Freezer) -> Event:
            return self._assembly.of_error(error, mechanism, event, known, freezer)

        return self._send(make, known, hint, issue)

    def _report_event(
        self, event: Mapping[str, Any], known: Known, hint: Mapping[str, Any], *, stack: bool
    ) -> str | None:
        if not self._selection.keeps():
            return self._lose("sample_rate")

        def make(known: Scope, freezer: Freezer) -> Event:
            return self._assembly.of_event(event, known, freezer, stack=stack)

        return self._send(make, known, hint, lambda: issue_of_event(event))

    def _send(
        self,
        make: Callable[[Scope, Freezer], Event],
        known: Known,
        hint: Mapping[str, Any],
        issue: Callable[[], Issue | None],
    ) -> str | None:
        """Make an event and queue it, if the server takes it, there is room for it, and not too many were like it."""
        dispatcher, facts = self._shipping.open(), self._shipping.facts
        if dispatcher is None:
            raise RuntimeError("nothing can be delivered yet")
        reason = dispatcher.refusal("error")
        if reason is not None:
            return self._lose(reason)
        held_back = self._held_back(issue)
        if held_back is None:
            return self._lose("backpressure")
        late = facts.missing
        scope, freezer = known(), Freezer(self._assembly.rules)
        event = make(scope, freezer)
        if held_back and isinstance(event["contexts"], dict):  # somebody else's event may say anything
            event["contexts"]["flood_control"] = {"held_back": held_back}
        self._inside.interrupted = freezer.interrupted
        if self._callbacks.see_events:
            changed = self._callbacks.pass_event(self._assembly.lend(_whole(event, freezer.gaps)), dict(hint))
            if changed is None:
                return self._lose("before_send")
            item = self._assembly.changed_item(changed, event, scope.attachments, late)
        else:
            item = self._assembly.item(event, freezer.weight, scope.attachments, late, freezer.gaps)
        entry = dispatcher.entry(item)
        self._inside.put_off = partial(dispatcher.put_off, entry)
        taken = dispatcher.put(entry)
        facts.find_out_early()  # and not earlier: its thread would slow the capture down
        if not taken:
            return None
        self._scopes.isolation().last_event_id = item.id
        return item.id

    def _held_back(self, issue: Callable[[], Issue | None]) -> int | None:
        """How many events of the issue were held back before this one; None if this one is to be held back."""
        if self._flood is None or (which := issue()) is None:
            return 0
        return self._flood.admit(which)

    def _break_off(self) -> str | None:
        """Count the event that was to be captured, once: as lost, or by whoever sends it."""
        if self._inside.put_off is None:
            return self._lose("internal_sdk_error")
        self._inside.put_off()
        return None

    def _lose(self, reason: Reason) -> str | None:
        """Count an event as lost; gives the id that it has not got."""
        self._shipping.lose(reason, "error")
        return None


def _whole(event: Event, gaps: Sequence[Gap]) -> Event:
    """The event with all that it should have: who asks to see it waits for a disk, if need be."""
    for gap in gaps:
        gap.find_out()
        gap.fill()
    return event


# Past whatever a subclass puts in their place.
_dict_of: Final = BaseException.__dict__["__dict__"].__get__
_traceback_of: Final = BaseException.__dict__["__traceback__"].__get__


def _marks(error: BaseException) -> dict[str, str | None]:
    """The clients that have captured this error, by their tokens, each with the event's id."""
    marks = dict.setdefault(_dict_of(error), MARK, {})
    return marks if type(marks) is dict else {}


def _ids_of_members(group: BaseException, token: str) -> list[str | None]:
    """What this client has noted for each error in a group, if for all of them: then the group says nothing new."""
    errors = [*grouped_in(group)]
    noted: list[str | None] = []
    for error in errors:  # which grow meanwhile
        marks = dict.get(_dict_of(error), MARK, {})
        members = () if token in marks else grouped_in(error)
        if (token not in marks and not members) or len(noted) > COUNT_LIMIT:
            return []
        errors += members
        noted.append(marks.get(token))
    return noted
