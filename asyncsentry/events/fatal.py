"""What `faulthandler` wrote when an interpreter crashed, as events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from asyncsentry.events import Event, Json
from asyncsentry.events.attributes import event_id_from
from asyncsentry.events.frames import short_path
from asyncsentry.events.freezing import cut
from asyncsentry.events.rules import Rules
from asyncsentry.events.source import LINE_LIMIT

MOST_ERRORS: Final = 10
"""Crashes that are read from one text: those of a program and of its forked children."""

_ERROR: Final = re.compile(r"^(?P<type>Fatal Python error|Windows fatal exception): (?P<value>.*)$", re.MULTILINE)
_THREAD: Final = re.compile(r"(?P<current>Current thread|Thread) (?P<id>0x[0-9a-fA-F]+)(?: \[(?P<name>.*)\])?")
_FRAME: Final = re.compile(r'  File "(?P<path>.*)", line (?P<line>\d+|\?\?\?) in (?P<function>.*)')


def fatal_events(text: str, seconds: float, origin: str, rules: Rules) -> list[Event]:
    """An event for each crash that a text tells of. ``seconds`` since the epoch is when it was written.

    Their ids follow from ``origin``, which is this text's alone: whoever reads it again gives them the same.
    """
    starts = [match.start() for match in _ERROR.finditer(text)][:MOST_ERRORS] or [0]
    ends = [*starts[1:], len(text)]
    return [
        _event(text[start:end], seconds, event_id_from(f"{origin}-{number}"), rules)
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


def _event(text: str, seconds: float, id: str, rules: Rules) -> Event:
    said = _ERROR.match(text)
    threads = list(_threads(text, rules))
    crashed = next((thread for thread in threads if thread["current"]), None)
    error: Event = {
        "type": said["type"] if said else "Fatal error",
        "value": cut(said["value"] if said else text.strip().partition("\n")[0], LINE_LIMIT),
        "mechanism": {"type": "faulthandler", "handled": False},
    }
    if crashed is not None:
        error["thread_id"] = crashed["id"]
        error["stacktrace"] = crashed.pop("stacktrace")
    event: Event = {"event_id": id, "timestamp": seconds, "level": "fatal", "exception": {"values": [error]}}
    if threads:
        event["threads"] = {"values": list[Json](threads)}
    return event


def _threads(text: str, rules: Rules) -> Iterator[Event]:
    thread: Event | None = None
    frames: list[Json] = []
    for line in text.splitlines():
        if found := _THREAD.match(line):
            if thread is not None:
                yield _with_stack(thread, frames)
            current = found["current"] == "Current thread"
            thread, frames = {"id": found["id"], "current": current, "crashed": current}, []
            if found["name"]:
                thread["name"] = found["name"]
        elif frame := _FRAME.match(line):
            frames.append(_frame(frame, rules))
    if thread is not None:
        yield _with_stack(thread, frames)


def _with_stack(thread: Event, frames: list[Json]) -> Event:
    """A thread with its frames, the oldest call first: `faulthandler` begins with the latest."""
    return {**thread, "stacktrace": {"frames": frames[::-1]}}


def _frame(found: re.Match[str], rules: Rules) -> Json:
    path = found["path"]
    frame: Event = {
        "filename": cut(short_path(path, None, rules), LINE_LIMIT),
        "abs_path": cut(path, LINE_LIMIT),
        "function": cut(found["function"], LINE_LIMIT),
        "in_app": rules.in_app(path, None),
    }
    if found["line"].isdigit():
        frame["lineno"] = int(found["line"])
    return frame
