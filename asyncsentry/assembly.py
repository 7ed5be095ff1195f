"""One event: what happened, laid over what is known here, laid over what is true of the whole program."""

from __future__ import annotations

import logging
import os
import sys
import time
from _thread import interrupt_main
from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from asyncsentry.events import attributes, runtime
from asyncsentry.events.exceptions import Mechanism, exception_values
from asyncsentry.events.frames import stack_frames
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.messages import logentry
from asyncsentry.events.plain import plain
from asyncsentry.events.rules import MESSAGE_LIMIT, InApp, Rules
from asyncsentry.facts import Facts
from asyncsentry.item import Attachment, Item
from asyncsentry.options import Options
from asyncsentry.scope import Scope
from asyncsentry.version import SDK

if TYPE_CHECKING:
    from asyncsentry.types import Event

logger = logging.getLogger("asyncsentry")

EVENT_LIMIT: Final = 1024 * 1024
"""Bytes of JSON: a server refuses a larger event whole."""

WORTH_MEASURING: Final = 256 * 1024
"""The weight from which an event might be too large: a frozen value weighs less than its JSON has bytes at most."""

UNKNOWN_WEIGHT: Final = WORTH_MEASURING + 1

OWN_WEIGHT: Final = 2048
"""About what an event holds in memory beside what the application put in it, in bytes."""

TRANSACTION_LIMIT: Final = 200
"""Characters of a transaction's name that a server keeps."""


class Assembly:
    """Makes the events of one client, each with its weight: about how many bytes of memory it holds."""

    def __init__(self, options: Options, facts: Facts) -> None:
        self.rules = rules(options)
        self._attach_stacktrace = options.attach_stacktrace
        self._constants = _constants(options)
        self._public_key = options.dsn.public_key if options.dsn else ""
        self._facts = facts

    def of_error(
        self, event_id: str, error: BaseException, mechanism: Mechanism, known: Scope, base: Mapping[str, Any]
    ) -> tuple[Event, int]:
        """An event of an exception. ``base`` has what else is known of it: ``level``, ``logger``, ``logentry`` …"""
        freezer = Freezer(self.rules)
        event = self._begin(event_id, base, known, freezer)
        event.setdefault("level", "error")
        event["exception"] = {"values": exception_values(error, mechanism, freezer)}
        _add_thread(event, crashed=not mechanism.handled)
        return self._end(event, freezer)

    def of_event(
        self, event_id: str, given: Mapping[str, Any], known: Scope, *, stack: bool = False
    ) -> tuple[Event, int]:
        """An event of a message, or of what somebody else put together; ``stack`` adds the stack of the call."""
        freezer = Freezer(self.rules)
        event = self._begin(event_id, given, known, freezer)
        event.setdefault("level", "error" if "exception" in event else "info")
        if (stack or self._attach_stacktrace) and "exception" not in event and "threads" not in event:
            event["threads"] = {"values": [_stack_of_caller(freezer)]}
        return self._end(event, freezer)

    def mend(self, event: Event, event_id: str) -> tuple[Event, int]:
        """What ``before_send`` gave back, as JSON can hold it; its id stays valid, whatever was done to it."""
        whole = plain(event)
        mended: Event = whole if isinstance(whole, dict) else {}
        mended["event_id"] = attributes.event_id(mended.get("event_id")) or event_id
        return mended, UNKNOWN_WEIGHT

    def item(self, event: Event, weight: int, attachments: tuple[Attachment, ...]) -> Item:
        """The event, small enough for a server, with what travels with it."""
        if weight > WORTH_MEASURING:
            from asyncsentry.events.trimming import trim

            event = trim(event, EVENT_LIMIT)
        weight += OWN_WEIGHT + sum(len(attachment.data) for attachment in attachments)
        return Item("event", "error", event, weight, event["event_id"], attachments, self._trace(event))

    def _begin(self, event_id: str, base: Mapping[str, Any], known: Scope, freezer: Freezer) -> Event:
        event: Event = {
            "event_id": attributes.event_id(base.get("event_id")) or event_id,
            "timestamp": attributes.timestamp(base.get("timestamp")) or time.time(),
            **self._constants,
            **self._facts.fields(),
            "contexts": runtime.contexts(),
        }
        _lay_scope(event, known, freezer)
        _lay_base(event, base, freezer)
        return event

    def _end(self, event: Event, freezer: Freezer) -> tuple[Event, int]:
        if freezer.interrupted:
            interrupt_main()
        return event, freezer.weight

    def _trace(self, event: Event) -> dict[str, str]:
        """The dynamic sampling context: which trace the event belongs to, for the envelope's headers."""
        context = event.get("contexts", {}).get("trace", {})
        trace = {"trace_id": context.get("trace_id"), "public_key": self._public_key}
        trace |= {name: event.get(name) for name in ("release", "environment")}
        return {name: value for name, value in trace.items() if isinstance(value, str)}


def _add_thread(event: Event, *, crashed: bool) -> None:
    thread = runtime.current_thread(crashed=crashed)
    event["threads"] = {"values": [thread]}
    event["exception"]["values"][-1]["thread_id"] = thread["id"]


def rules(options: Options) -> Rules:
    """How much of the program an event may show."""
    return Rules(
        max_value_length=options.max_value_length,
        max_stack_frames=options.max_stack_frames,
        include_local_variables=options.include_local_variables,
        include_source_context=options.include_source_context,
        add_full_stack=options.add_full_stack,
        in_app=InApp(options.in_app_include, options.in_app_exclude, options.project_root or os.getcwd()),
    )


def _constants(options: Options) -> Event:
    """What every event says; a name that servers would refuse is left out, and said once."""
    constants: Event = {"platform": "python", "sdk": SDK}
    checks = (
        ("environment", options.environment, attributes.environment_problem),
        ("dist", options.dist, attributes.dist_problem),
    )
    for name, value, problem_of in checks:
        problem = problem_of(value) if value is not None else None
        if problem is not None:
            logger.warning("%s=%r is not sent, as servers refuse it: %s", name, value, problem)
        elif value is not None:
            constants[name] = value.strip()
    host = runtime.host_name() if options.server_name is None else options.server_name
    if host:
        constants["server_name"] = host
    return constants


def _lay_scope(event: Event, known: Scope, freezer: Freezer) -> None:
    trace_id, span_id = known.trace_ids()
    event["contexts"]["trace"] = {"trace_id": trace_id, "span_id": span_id}
    event["contexts"].update(_contexts(known.contexts, freezer))
    if known.tags:
        event["tags"] = attributes.tags(known.tags, freezer)
    if known.extras:
        event["extra"] = freezer.freeze_mapping(known.extras)
    if known.user:
        event["user"] = attributes.user(known.user, freezer)
    if known.fingerprint is not None:
        event["fingerprint"] = attributes.fingerprint(known.fingerprint, freezer)
    if known.transaction:
        event["transaction"] = freezer.text(known.transaction, TRANSACTION_LIMIT)
    if known.breadcrumbs:
        event["breadcrumbs"] = {"values": list(known.breadcrumbs)}
    level = attributes.level_name(known.level)
    if level is not None:
        event["level"] = level


def _lay_base(event: Event, base: Mapping[str, Any], freezer: Freezer) -> None:
    """What the event's own maker says wins; what is a mapping is joined with what the scope says, key by key."""
    for name, value in base.items():
        if name == "tags" and isinstance(value, Mapping):
            event["tags"] = {**event.get("tags", {}), **attributes.tags(value, freezer)}
        elif name == "extra" and isinstance(value, Mapping):
            event["extra"] = {**event.get("extra", {}), **freezer.freeze_mapping(value)}
        elif name == "contexts" and isinstance(value, Mapping):
            event["contexts"].update(_contexts(value, freezer))
        elif name == "user" and isinstance(value, Mapping):
            event["user"] = {**event.get("user", {}), **attributes.user(value, freezer)}
        elif name == "level":
            event["level"] = attributes.level_name(value) or event.get("level", "error")
        elif name == "logentry" and isinstance(value, Mapping):
            event["logentry"] = _logentry(value, freezer)
        elif name == "message":
            event["logentry"] = logentry(value, None, freezer)
        elif name not in ("event_id", "timestamp") and value is not None:
            event[name] = plain(value)


def _logentry(given: Mapping[str, Any], freezer: Freezer) -> dict[str, Any]:
    if "formatted" not in given:
        return logentry(given.get("message"), given.get("params"), freezer)
    formatted = freezer.text(given["formatted"], MESSAGE_LIMIT)
    if "message" not in given:
        return {"formatted": formatted}
    return {**logentry(given["message"], given.get("params"), freezer), "formatted": formatted}


def _contexts(contexts: Mapping[str, Any], freezer: Freezer) -> dict[str, Any]:
    return {
        freezer.text(name): freezer.freeze_mapping(value, scrub=False)
        for name, value in contexts.items()
        if isinstance(value, Mapping)
    }


_CALLEES: Final = ("asyncsentry", "logging")
"""What the application's call went through on its way here."""


def _stack_of_caller(freezer: Freezer) -> dict[str, Any]:
    """The thread in hand, with the stack of the application's call."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _CALLEES:
        frame = frame.f_back
    return runtime.current_thread(crashed=False, frames=list(stack_frames(frame, freezer)))
