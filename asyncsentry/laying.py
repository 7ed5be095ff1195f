"""What an event says of its work: what is known there, and over that what the event's own maker says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from asyncsentry.events import attributes
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.messages import logentry
from asyncsentry.events.plain import plain_and_weight
from asyncsentry.events.rules import MESSAGE_LIMIT
from asyncsentry.events.scrubbing import SecretNames, scrub_plain, scrub_request
from asyncsentry.scope import Scope

if TYPE_CHECKING:
    from asyncsentry.types import Event


def lay_scope(event: Event, known: Scope, freezer: Freezer) -> None:
    """What is known here."""
    trace_id, span_id = known.trace_ids()
    event["contexts"]["trace"] = {"trace_id": trace_id, "span_id": span_id}
    if known.describe is not None:
        from asyncsentry.events.work import show_work  # whoever describes work has loaded it

        told = show_work(known.describe, freezer)
        event["contexts"].update(told.pop("contexts", {}))
        event.update(told)
    event["contexts"].update(_contexts(known.contexts, freezer))
    if known.tags:
        event["tags"] = {**event.get("tags", {}), **attributes.tags(known.tags, freezer)}
    if known.extras:
        event["extra"] = freezer.freeze_mapping(known.extras)
    if known.user:
        event["user"] = attributes.user(known.user, freezer)
    if known.fingerprint:
        event["fingerprint"] = attributes.fingerprint(known.fingerprint, freezer)
    if known.transaction is not None:
        event["transaction"] = freezer.text(known.transaction, attributes.TRANSACTION_LIMIT)
        event["transaction_info"] = {"source": "custom"}
    level = attributes.level_name(known.level)
    if level is not None:
        event["level"] = level


def lay_base(event: Event, base: Mapping[str, Any], freezer: Freezer) -> None:
    """What the event's own maker says wins; what is a mapping is joined with what the scope says, key by key."""
    for name, note in _NOTES.items():
        if base.get(name) is not None:
            event.pop(note, None)
    for name, value in base.items():
        if name in _JOINED and isinstance(value, Mapping):
            event[name] = {**event.get(name, {}), **_JOINED[name](value, freezer)}
        elif name in _JOINED and not isinstance(value, list):
            continue  # no server takes it; a list may be one of pairs
        elif name == "level":
            event["level"] = attributes.level_name(value) or event.get("level")
        elif name == "logentry" and isinstance(value, Mapping):
            event["logentry"] = _logentry(value, freezer)
        elif name == "message":
            event["logentry"] = _logentry({"message": value}, freezer)
        elif name not in ("event_id", "timestamp") and value is not None:
            show = _SHOWN.get(name, scrub_plain)
            copy = _plain(value, freezer)
            freezer.seen.foreign |= type(copy) is dict or type(copy) is list  # there may be frames in it
            event[freezer.text(name)] = show(copy, freezer.rules.secret_names)


def _plain(value: object, freezer: Freezer) -> Any:
    copy, weight = (value, len(value)) if type(value) is str and value.isascii() else plain_and_weight(value)
    freezer.weigh(weight)
    return copy


def _logentry(given: Mapping[str, Any], freezer: Freezer) -> dict[str, Any]:
    if "formatted" not in given:
        return logentry(given.get("message"), given.get("params"), freezer)
    formatted = freezer.text(given["formatted"], MESSAGE_LIMIT)
    if "message" not in given:
        return {"formatted": formatted}
    return {**logentry(given["message"], given.get("params"), freezer), "formatted": formatted}


def _contexts(contexts: Mapping[str, Any], freezer: Freezer) -> dict[str, Any]:
    return {
        freezer.text(name): freezer.freeze_mapping(value)
        for name, value in contexts.items()
        if isinstance(value, Mapping)
    }


_NOTES: Final = {"request": "_meta", "transaction": "transaction_info"}
"""What is said of a field that the work in hand gives, and is void where somebody else gives it."""

# Any: plain data of any shape, before and after.
_SHOWN: Final[Mapping[str, Callable[[Any, SecretNames], Any]]] = {
    "logger": lambda name, _secret: attributes.one_line(name) if type(name) is str else name,
    "request": scrub_request,
}
"""What servers take in a form of its own."""

_JOINED: Final[Mapping[str, Callable[[Mapping[str, Any], Freezer], dict[str, Any]]]] = {
    "contexts": _contexts,
    "extra": lambda extra, freezer: freezer.freeze_mapping(extra),
    "tags": attributes.tags,
    "user": attributes.user,
}
"""What a scope and an event's maker may both know some of, and how it is shown."""
