"""From what happened to what is queued: the order of decisions, the cheapest first, each no with its own reason.

Nothing here raises, and nothing waits.
"""

from __future__ import annotations

import logging
import time
from _thread import interrupt_main
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeAlias

from asyncsentry.callbacks import Callbacks, Dropped
from asyncsentry.diary import Complaints
from asyncsentry.events.attributes import new_event_id
from asyncsentry.events.breadcrumbs import breadcrumb
from asyncsentry.events.exceptions import Mechanism, traceback_of
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.issues import Issue, issue_of_error, issue_of_event
from asyncsentry.events.marks import ids_of_members, marks_of
from asyncsentry.inside import Threads
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

Arguments = ParamSpec("Arguments")

Known: TypeAlias = Callable[[], Scope]
"""Gives what is known where something was captured; it is only asked when the event is made."""

_NOTHING: Final[Mapping[str, Any]] = {}

LAST_WORDS: Final = "excepthook"
"""The mechanism of what ends the program, which is never held back."""

CAPTURED: Final = Mechanism("generic", handled=True)
"""How an error came to us that the application handed in itself."""


class Recorder:
    """Captures for one client."""

    def __init__(self, options: Options, scopes: Scopes, shipping: Shipping) -> None:
        # Only now, for a program without a DSN makes no events; and now, not in a capture, for a fork in the midst of
        # another thread's import leaves a child that waits for that import for ever.
        from asyncsentry.assembly import Assembly
        from asyncsentry.delivery.flood import Flood
        from asyncsentry.selection import Selection

        self._shipping = shipping
        self._scopes = scopes
        self._max_breadcrumbs = options.max_breadcrumbs
        self._complaints = Complaints()
        self._selection = Selection(options, self._complaints)
        self._callbacks = Callbacks(options, self._complaints)
        self._flood = Flood(options.flood_limit, time.monotonic) if options.flood_limit else None
        self._assembly = Assembly(options, shipping.facts, shipping.secret_names)
        self._threads = Threads()
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
        return self._capture(self._report, error, mechanism, known, event or _NOTHING, hint or _NOTHING)

    def disregard(self, error: BaseException) -> None:
        """Report this error no more, whoever sees it next."""
        marks_of(error).setdefault(self._token, None)

    def report_event(
        self,
        event: Mapping[str, Any],
        known: Known,
        *,
        hint: Mapping[str, Any] | None = None,
        stack: bool = False,
    ) -> str | None:
        """A message, or an event that somebody else made; ``stack`` adds the stack of the call."""
        return self._capture(self._report_event, event, known, hint or _NOTHING, stack=stack)

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
        self,
        crumb: Mapping[str, Any] | None,
        fields: dict[str, Any],
        hint: Mapping[str, Any] | None,
        *,
        complete: bool = False,
    ) -> None:
        """Note what happened, as plain data, on the isolation scope. ``complete``: the fields are just that already."""
        most, inside = self._max_breadcrumbs, self._threads.inside
        if not most or inside.capturing:
            return
        inside.capturing = True
        try:
            told = {**crumb, **fields} if crumb else fields
            made: dict[str, Any] | None = told
            if self._callbacks.see_breadcrumbs:
                made = self._callbacks.pass_breadcrumb({"timestamp": time.time(), **told}, hint or {})
                complete = False
            if made is not None:
                crumbs = self._scopes.isolation().breadcrumbs
                crumbs.append(made if complete else breadcrumb(made, self._assembly.rules))
                if len(crumbs) > most:
                    crumbs.popleft()
        except Exception:
            logger.debug("a breadcrumb could not be made", exc_info=True)
        finally:
            inside.capturing = False

    def _capture(
        self, capture: Callable[Arguments, str | None], *arguments: Arguments.args, **named: Arguments.kwargs
    ) -> str | None:
        inside = self._threads.inside
        if inside.capturing:
            return self._lose("event_processor")
        inside.capturing = True
        try:
            return capture(*arguments, **named)
        except Exception:
            logger.debug("an event could not be made", exc_info=True)
            return self._break_off()
        except BaseException:  # somebody's wish to end the program, or this task: not ours to refuse
            self._break_off()
            raise
        finally:
            inside.capturing = False
            inside.put_off = None
            if inside.interrupted:
                inside.interrupted = False
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
        marks, token, ours = marks_of(error), self._token, object()
        found = marks.setdefault(token, ours)
        if found is not ours:  # looked for and noted in one step: of threads that see it at once one goes on
            return found if type(found) is str else None
        try:
            ids = ids_of_members(error, token)
            new = next(filter(None, ids), None) if ids else self._report_new(error, mechanism, known, event, hint)
        except BaseException:
            del marks[token]  # whoever sees it next may do better
            raise
        marks[token] = new
        return new

    def _report_new(
        self,
        error: BaseException,
        mechanism: Mechanism,
        known: Known,
        event: Mapping[str, Any],
        hint: Mapping[str, Any],
    ) -> str | None:
        def whole_hint() -> dict[str, Any]:
            return {"exc_info": (type(error), error, traceback_of(error)), **hint}

        if not self._selection.keeps_error(error, whole_hint):
            return self._lose("sample_rate")

        def issue() -> Issue | None:
            return None if mechanism.type == LAST_WORDS else issue_of_error(error)

        def make(known: Scope, freezer: Freezer) -> Event:
            return self._assembly.of_error(error, mechanism, event, known, freezer)

        return self._send(make, known, whole_hint, issue)

    def _report_event(
        self, event: Mapping[str, Any], known: Known, hint: Mapping[str, Any], *, stack: bool
    ) -> str | None:
        if not self._selection.keeps():
            return self._lose("sample_rate")

        def make(known: Scope, freezer: Freezer) -> Event:
            return self._assembly.of_event(event, known, freezer, stack=stack)

        return self._send(make, known, lambda: dict(hint), lambda: issue_of_event(event))

    def _send(
        self,
        make: Callable[[Scope, Freezer], Event],
        known: Known,
        hint: Callable[[], dict[str, Any]],
        issue: Callable[[], Issue | None],
    ) -> str | None:
        """Make an event and queue it, if the server takes it, there is room for it, and not too many were like it."""
        dispatcher, facts = self._shipping.open(), self._shipping.facts
        if dispatcher is None:
            raise RuntimeError("nothing can be delivered yet")
        reason = dispatcher.refusal("error")
        if reason is not None:
            return self._lose(reason)
        which = None if self._flood is None else issue()
        held_back = self._held_back(which)
        if held_back is None:
            return self._lose("backpressure")
        late = facts.missing
        scope, freezer = known(), Freezer(self._assembly.rules)
        event = make(scope, freezer)
        if held_back and isinstance(event["contexts"], dict):  # somebody else's event may say anything
            event["contexts"]["flood_control"] = {"held_back": held_back}
        inside = self._threads.inside
        inside.interrupted = freezer.interrupted
        if self._callbacks.see_events:
            changed = self._callbacks.pass_event(self._assembly.lend(_whole(event, freezer.gaps), freezer), hint())
            if isinstance(changed, Dropped):
                return self._lose(changed.reason)
            item = self._assembly.changed_item(changed, event, scope.attachments, late)
        else:
            item = self._assembly.item(event, freezer, scope.attachments, late, crowded=dispatcher.crowded)
        entry = dispatcher.entry(item)
        inside.put_off = partial(dispatcher.put_off, entry)
        taken = dispatcher.put(entry)
        facts.find_out_early()  # and not earlier: its thread would slow the capture down
        if not taken:
            return None
        if held_back and self._flood is not None:
            self._flood.tell(which, held_back)
        self._scopes.isolation().last_event_id = item.id
        return item.id

    def _held_back(self, issue: Issue | None) -> int | None:
        """How many events of the issue were held back before this one; None if this one is to be held back."""
        return 0 if self._flood is None or issue is None else self._flood.admit(issue)

    def _break_off(self) -> str | None:
        """Count the event that was to be captured, once: as lost, or by whoever sends it."""
        put_off = self._threads.inside.put_off
        if put_off is None:
            return self._lose("internal_sdk_error")
        put_off()
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
