"""In what the events of asyncsentry differ from those of sentry-sdk for the same thing, and why."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from programs.telling import MESSAGE

ABSENT: Final = object()
"""What an event says where it has no such field."""
SOON: Final = 60.0
"""Seconds within which both events are sent."""

Told: TypeAlias = Callable[[Any], bool]
"""Whether a value is what it should be."""


@dataclass(frozen=True)
class Meant:
    """A difference that should be."""

    reason: str
    covers: Callable[[Any, Any], bool]
    """Whether it is this one, by what we and they say."""


# -- the kinds of difference


def ours_at_least(reason: str) -> Meant:
    """We have it, and they may have it otherwise."""
    return Meant(reason, lambda ours, _: ours is not ABSENT)


def ours_alone(reason: str, told: Told) -> Meant:
    return Meant(reason, lambda ours, theirs: theirs is ABSENT and told(ours))


def theirs_alone(reason: str, told: Told) -> Meant:
    return Meant(reason, lambda ours, theirs: ours is ABSENT and told(theirs))


def both(reason: str, covers: Callable[[Any, Any], bool]) -> Meant:
    """Both have it, and say different things."""
    return Meant(reason, lambda ours, theirs: ours is not ABSENT and theirs is not ABSENT and covers(ours, theirs))


# -- what one should say


def exactly(*values: Any) -> Told:
    """One of these, and of the same type."""
    return lambda value: any(type(value) is type(each) and value == each for each in values)


def text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def number(value: Any) -> bool:
    return type(value) is int


# -- what both should say


def texts(ours: Any, theirs: Any) -> bool:
    return text(ours) and text(theirs)


def of_one_length(ours: Any, theirs: Any) -> bool:
    return texts(ours, theirs) and len(ours) == len(theirs)


def as_text(ours: Any, theirs: Any) -> bool:
    return bool(ours == str(theirs))


def of_one_time(ours: Any, theirs: Any) -> bool:
    """A number of seconds, and a time in ISO 8601, in UTC."""
    then = datetime.fromisoformat(theirs.replace("Z", "+00:00")).timestamp()
    return type(ours) is float and abs(ours - then) < SOON


def of_one_index(ours: Any, theirs: Any) -> bool:
    """Distributions with their versions: the same but for how names are spelled."""
    return bool(ours == {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in theirs.items()})


OWN: Final = "of each event its own"
TREE: Final = "a chain is told as a tree, as a group is"
SYSTEM: Final = "tells the system"
THREAD: Final = "tells the thread"
OTHER: Final = "another SDK"
TIME: Final = "a number of seconds, which servers take as well"
TEXT: Final = "the protocol has a text there"
PLACE: Final = "the protocol has the text in logentry; message is its older name"

MEANT: Final[dict[str, Meant]] = {
    "_meta.*": ours_at_least("says what was hidden, where, and how long it was"),
    "breadcrumbs.values.[].data": ours_alone("always an object, which a hook can add to", exactly({})),
    "breadcrumbs.values.[].level": ours_alone("says what servers suppose where there is none", exactly("info")),
    "breadcrumbs.values.[].timestamp": both(TIME, of_one_time),
    "contexts.device.arch": ours_alone("tells the machine", text),
    "contexts.os.*": ours_alone(SYSTEM, text),
    "contexts.trace.parent_span_id": theirs_alone("what is null is left out", exactly(None)),
    "contexts.trace.span_id": both(OWN, of_one_length),
    "contexts.trace.trace_id": both(OWN, of_one_length),
    "event_id": both(OWN, of_one_length),
    "exception.values.[].mechanism.exception_id": ours_alone(TREE, number),
    "exception.values.[].mechanism.handled": theirs_alone(
        "of the error that was captured, not of what it came from", exactly(True)
    ),
    "exception.values.[].mechanism.parent_id": ours_alone(TREE, number),
    "exception.values.[].mechanism.source": ours_alone(TREE, exactly("__cause__", "__context__")),
    "exception.values.[].mechanism.type": both(TREE, lambda ours, theirs: (ours, theirs) == ("chained", "generic")),
    "exception.values.[].module": theirs_alone(
        "what is null is left out, as it is for Python's own errors", exactly(None)
    ),
    "exception.values.[].thread_id": ours_alone(THREAD, text),
    "extra.sys.argv.[]": theirs_alone("a command line may hold secrets", text),
    "logentry.formatted": ours_alone(PLACE, exactly(MESSAGE)),
    "message": theirs_alone(PLACE, exactly(MESSAGE)),
    "modules": both("names are spelled as package indexes spell them", of_one_index),
    "sdk.integrations.[]": theirs_alone(OTHER, text),
    "sdk.name": both(OTHER, texts),
    "sdk.packages.[].name": both(OTHER, texts),
    "sdk.packages.[].version": both(OTHER, texts),
    "sdk.version": both(OTHER, texts),
    "tags.attempt": both(TEXT, as_text),
    "threads.values.[].crashed": ours_alone(THREAD, exactly(False)),
    "threads.values.[].current": ours_alone(THREAD, exactly(True)),
    "threads.values.[].id": ours_alone(THREAD, text),
    "threads.values.[].main": ours_alone(THREAD, exactly(True)),
    "threads.values.[].name": ours_alone(THREAD, exactly("MainThread")),
    "timestamp": both(TIME, of_one_time),
    "transaction_info": theirs_alone("empty, where ours tells the source", exactly({})),
    "transaction_info.source": ours_alone("tells who named the transaction: the program", exactly("custom")),
    "user.id": both(TEXT, as_text),
}
"""By the field. A star at the end: by what a field begins with, where it cannot be known which ones there are."""


def entry(field: str) -> str | None:
    """The name of the entry for this field; None if it should not differ."""
    if field in MEANT:
        return field
    return next((name for name in MEANT if name.endswith("*") and field.startswith(name[:-1])), None)
