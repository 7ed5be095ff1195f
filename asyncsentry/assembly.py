"""One event: what happened, laid over what is known here, laid over what is true of the whole program."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, cast

from asyncsentry.events import attributes, runtime
from asyncsentry.events.breadcrumbs import Unscrubbed, scrubbed
from asyncsentry.events.exceptions import Exceptions, Mechanism
from asyncsentry.events.frames import own_lines, stack_frames
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.leaving import Leaving
from asyncsentry.events.packing import SHARED, keep, pack
from asyncsentry.events.plain import own, plain_and_weight, unfold
from asyncsentry.events.rules import InApp, Rules
from asyncsentry.events.scrubbing import SecretNames
from asyncsentry.events.seen import Seen
from asyncsentry.facts import Facts, accepted
from asyncsentry.item import Attachment, Gap, Item, Payload
from asyncsentry.laying import lay_base, lay_scope
from asyncsentry.options import BODY_LIMITS, Options
from asyncsentry.scope import Scope
from asyncsentry.version import SDK

if TYPE_CHECKING:
    from asyncsentry.types import Event

OWN_WEIGHT: Final = 2048
"""About what an event holds in memory beside what the application put in it, in bytes."""


class Assembly:
    """Makes the events of one client."""

    def __init__(self, options: Options, facts: Facts, secret_names: SecretNames) -> None:
        self.rules = rules(options, secret_names)
        self._attach_stacktrace = options.attach_stacktrace
        self._max_breadcrumbs = options.max_breadcrumbs
        self._constants = _constants(options)
        self._public_key = options.dsn.public_key if options.dsn else ""
        self._facts = facts

    def of_error(
        self, error: BaseException, mechanism: Mechanism, base: Mapping[str, Any], known: Scope, freezer: Freezer
    ) -> Event:
        """An event of an exception. ``base`` has what else is known of it: ``level``, ``logger``, ``logentry`` …"""
        raised = Exceptions(error, mechanism, freezer)  # first of all: no message is lost to what a scope holds
        event = self._begin(base, known, freezer)
        event["level"] = event.get("level") or "error"
        event["exception"] = {"values": raised.with_stacks()}
        _add_thread(event, crashed=not mechanism.handled)
        return event

    def of_event(self, given: Mapping[str, Any], known: Scope, freezer: Freezer, *, stack: bool = False) -> Event:
        """An event of a message, or of what somebody else put together; ``stack`` adds the stack of the call."""
        event = self._begin(given, known, freezer)
        event["level"] = event.get("level") or ("error" if "exception" in event else "info")
        if (stack or self._attach_stacktrace) and "exception" not in event and "threads" not in event:
            event["threads"] = {"values": [_stack_of_caller(freezer)]}
        return event

    def lend(self, event: Event, freezer: Freezer) -> Event:
        """The event without secrets, for the application to change: what others share with it is a copy."""
        event = _without_secrets(event, self.rules.secret_names, freezer.seen)
        for stack in _stacks(event):
            own_lines(stack)
        return event | {name: own(event[name]) for name in SHARED if name in event}

    def changed_item(
        self, changed: Event, original: Event, attachments: tuple[Attachment, ...], late: tuple[str, ...]
    ) -> Item:
        """What ``before_send`` gave back, as JSON can hold it, with what travels with it.

        Its id and its time stay valid, whatever was done. It is copied at once: somebody may still hold it. Nothing in
        it is hidden any more.
        """
        event = dict(dict.items(changed))
        event["event_id"] = attributes.event_id(event.get("event_id")) or original["event_id"]
        event["timestamp"] = attributes.timestamp(event.get("timestamp")) or original["timestamp"]
        kept = keep(event)
        if kept is None:
            copy, weight = plain_and_weight(event)
            return self._item(event, cast("Event", copy), weight, attachments, late, ())
        return self._item(event, partial(unfold, kept), len(kept), attachments, late, ())

    def item(
        self,
        event: Event,
        freezer: Freezer,
        attachments: tuple[Attachment, ...],
        late: tuple[str, ...],
        *,
        crowded: bool = False,
    ) -> Item:
        """The event, with what travels with it, and what was not known yet when it was made: fields, and gaps.

        What its texts say of secrets is hidden when it is sent. ``crowded``: many are waiting for that.
        """
        names, gaps = self.rules.secret_names, tuple(freezer.gaps)
        packed = pack(event, freezer.seen) if crowded and not gaps else None  # a gap has its place in the event
        leaving = Leaving(packed or (event, freezer.seen), names)
        weight = len(packed.data) * 3 // 2 if packed else freezer.weight  # with the holes that `marshal` leaves behind
        return self._item(event, leaving, weight, attachments, late, gaps)

    def _item(
        self,
        event: Event,
        payload: Payload,
        weight: int,
        attachments: tuple[Attachment, ...],
        late: tuple[str, ...],
        gaps: tuple[Gap, ...],
    ) -> Item:
        weight += OWN_WEIGHT
        if attachments:
            weight += sum(len(attachment.data) for attachment in attachments)
        return Item("event", "error", payload, weight, event["event_id"], attachments, self._trace(event), late, gaps)

    def _begin(self, base: Mapping[str, Any], known: Scope, freezer: Freezer) -> Event:
        event: Event = {
            "event_id": attributes.event_id(base.get("event_id")) or attributes.new_event_id(),
            "timestamp": attributes.timestamp(base.get("timestamp")) or time.time(),
            **self._constants,
            **self._facts.fields(),
            "contexts": runtime.contexts(),
        }
        lay_scope(event, known, freezer)
        if known.breadcrumbs and self._max_breadcrumbs:
            crumbs, names = list(known.breadcrumbs)[-self._max_breadcrumbs :], self.rules.secret_names
            shown = [scrubbed(crumb, names) if type(crumb) is Unscrubbed else crumb for crumb in crumbs]
            event["breadcrumbs"] = {"values": shown}
        lay_base(event, base, freezer)
        return event

    def _trace(self, event: Event) -> dict[str, str]:
        """The dynamic sampling context: which trace the event belongs to, for the envelope's headers."""
        contexts = event.get("contexts")
        context = contexts.get("trace") if isinstance(contexts, dict) else None
        trace: dict[str, object] = {
            "public_key": self._public_key,
            "release": event.get("release"),
            "environment": event.get("environment"),
            "trace_id": context.get("trace_id") if isinstance(context, dict) else None,
        }
        return {name: value for name, value in trace.items() if isinstance(value, str)}


def _without_secrets(event: Event, names: SecretNames, seen: Seen) -> Event:
    from asyncsentry.events.hiding import hide_secrets

    return hide_secrets(event, names, seen)


def _add_thread(event: Event, *, crashed: bool) -> None:
    thread = runtime.current_thread(crashed=crashed)
    event["threads"] = {"values": [thread]}
    event["exception"]["values"][-1]["thread_id"] = thread["id"]


def rules(options: Options, secret_names: SecretNames) -> Rules:
    """How much of the program an event may show."""
    return Rules(
        max_value_length=options.max_value_length,
        max_depth=options.max_depth,
        max_breadth=options.max_breadth,
        max_values=options.max_event_values,
        max_stack_frames=options.max_stack_frames,
        add_full_stack=options.add_full_stack,
        collection=options.data_collection,
        body_limit=BODY_LIMITS[options.max_request_body_size],
        secret_names=secret_names,
        trusted_proxies=options.trusted_proxies,
        in_app=InApp(
            options.in_app_include,
            options.in_app_exclude,
            options.project_root or os.getcwd(),
            only_below_root=options.project_root is not None,
        ),
    )


def _constants(options: Options) -> Event:
    """What every event says; a name that servers would refuse is left out, and said once."""
    constants: Event = {"platform": "python", "sdk": SDK}
    names = {
        "environment": accepted("environment", options.environment, attributes.environment_problem),
        "dist": accepted("dist", options.dist, attributes.dist_problem),
        "server_name": runtime.host_name() if options.server_name is None else options.server_name,
    }
    return constants | {name: value for name, value in names.items() if value}


def _stacks(event: Event) -> Iterator[object]:
    for name in ("exception", "threads"):
        holder = event.get(name)
        values = holder.get("values") if isinstance(holder, dict) else None
        for value in values if isinstance(values, list) else ():
            yield value.get("stacktrace") if isinstance(value, dict) else None


_CALLEES: Final = ("asyncsentry", "logging")
"""What the application's call went through on its way here."""


def _stack_of_caller(freezer: Freezer) -> dict[str, Any]:
    """The thread in hand, with the stack of the application's call."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _CALLEES:
        frame = frame.f_back
    return runtime.current_thread(crashed=False, frames=list(stack_frames(frame, freezer)))
