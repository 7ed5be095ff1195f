"""An event as it arrived, to be read by a person, in lines of 100 columns at most."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from asyncsentry.cli.ink import Ink

WIDTH = 100
_INDENT = "   "
_LABEL = 13

# Any: JSON, of which this reads what it finds and takes nothing for granted.
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, how it came, and when (seconds since the epoch)."""

    event: Event
    transport: str
    received_at: float

    @property
    def captured_at(self) -> float:
        return float(self.event["timestamp"])


def show(number: int, arrival: Arrival, ink: Ink) -> Iterator[str]:
    """The lines that tell of one event."""
    event = arrival.event
    errors = errors_of(event)
    yield _title(number, headline(event), ink)
    yield _INDENT + _verdict(event, errors, ink)
    for error in errors:
        yield ""
        if len(errors) > 1:
            yield _line(_name(error), ink.title)
        yield from _stack(error.get("stacktrace", {}).get("frames", []), ink)
    yield ""
    yield from _rows("breadcrumbs", (_crumb(crumb) for crumb in event.get("breadcrumbs", {}).get("values", [])), ink)
    yield from _rows("tags", [", ".join(f"{key}={value}" for key, value in event.get("tags", {}).items())], ink)
    yield from _rows("event id", [event["event_id"]], ink)
    yield from _rows("transport", [f"{arrival.transport}, received {_delay(arrival)} after the capture"], ink)


def errors_of(event: Event) -> list[Event]:
    """The event's exceptions, the one that was raised last; of a message, none."""
    errors: list[Event] = event.get("exception", {}).get("values", [])
    return errors


def headline(event: Event) -> str:
    """What happened, in one line: the error, or the message."""
    errors = errors_of(event)
    return _name(errors[-1]) if errors else str(event.get("logentry", {}).get("formatted", "(no message)"))


def _name(error: Event) -> str:
    return ": ".join(filter(None, [error.get("type"), error.get("value")]))


def _verdict(event: Event, errors: list[Event], ink: Ink) -> str:
    """Whether the program handled it: the question that an issue's urgency hangs on."""
    mechanism = errors[-1].get("mechanism", {}) if errors else {}
    level = f"level {event.get('level', 'error')}"
    if "handled" not in mechanism:
        return level
    handled = ink.good("handled") if mechanism["handled"] else ink.bad("unhandled")
    return f"{handled}, {level}, mechanism {mechanism.get('type')}"


def _stack(frames: Iterable[Event], ink: Ink) -> Iterator[str]:
    """The program's own frames, oldest first; of the libraries between them, the names."""
    for in_app, group in groupby(frames, key=lambda frame: bool(frame.get("in_app"))):
        if in_app:
            for frame in group:
                yield from _frame(frame, ink)
        else:
            libraries = dict.fromkeys(str(frame.get("module", "?")).partition(".")[0] for frame in group)
            yield _line(f"… {', '.join(libraries)}", ink.quiet)


def _frame(frame: Event, ink: Ink) -> Iterator[str]:
    yield _line(f"{frame.get('filename')}:{frame.get('lineno')} in {frame.get('function')}")
    if frame.get("context_line"):
        yield _line(f"  > {frame['context_line'].strip()}", ink.title)
    if frame.get("function") != "<module>":  # there, the locals are all that the module has imported
        for name, value in frame.get("vars", {}).items():
            yield _line(f"    {name} = {_value(value)}", ink.quiet)


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _crumb(crumb: Event) -> str:
    return f"{crumb.get('level', 'info')} {crumb.get('category', '')}: {crumb.get('message', '')}"


def _rows(label: str, rows: Iterable[str], ink: Ink) -> Iterator[str]:
    """Rows under one label at their left; none at all if there is nothing to show."""
    for row in filter(None, rows):
        yield _INDENT + ink.quiet(label.ljust(_LABEL)) + cut(row, WIDTH - len(_INDENT) - _LABEL)
        label = ""


def _title(number: int, text: str, ink: Ink) -> str:
    mark = f"{number}".ljust(len(_INDENT))
    return mark + ink.title(cut(text, WIDTH - len(mark)))


def _line(text: str, paint: Callable[[str], str] = str) -> str:
    return _INDENT + paint(cut(text, WIDTH - len(_INDENT)))


def cut(text: str, width: int) -> str:
    """On one line, no wider than this, and with nothing in it that a terminal would obey."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= width else text[: width - 1] + "…"


def _delay(arrival: Arrival) -> str:
    return f"{max(1000 * (arrival.received_at - arrival.captured_at), 0):.0f} ms"
