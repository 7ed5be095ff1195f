"""``asyncsentry spool list``: what waits there."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from asyncsentry.cli import quantities
from asyncsentry.cli.ink import Ink, ink_for
from asyncsentry.cli.show import WIDTH, cut, headline
from asyncsentry.delivery.spool.envelopes import Stored
from asyncsentry.delivery.spool.visit import Found, visit
from asyncsentry.json import decode

NOBODY = "(no destination)"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An envelope, and what can be said of it. ``what`` happened is empty if it cannot be read."""

    found: Found
    destination: str
    what: str


def run(path: str, *, as_json: bool) -> int:
    """Print what waits. 0 always: that something waits is no failure."""
    with visit(path) as visitor:
        waiting = [each for each in map(_look, visitor.files()) if each is not None]
        aside = visitor.aside()
    if as_json:
        for each in waiting:
            print(json.dumps(_plain(each)))
        return 0
    ink = ink_for(sys.stdout)
    for destination, group in groupby(sorted(waiting, key=lambda each: each.destination), _destination):
        print(*_lines(destination, list(group), ink), "", sep="\n")
    if not waiting:
        print("Nothing waits there.")
    if aside:
        print(f"Set aside, as they are no envelopes or were refused: {len(aside)} in {cut(path, WIDTH)}/aside")
    return 0


def _look(found: Found) -> Waiting | None:
    """What can be said of a file; nothing if a running program has sent it by now."""
    try:
        stored = found.read()
    except OSError:
        return None
    if stored is None:
        return Waiting(found, NOBODY, "")
    return Waiting(found, stored.dsn or NOBODY, _what(stored))


def _what(stored: Stored) -> str:
    # Any: JSON, which another program may have written.
    try:
        payload: Any = decode(stored.item.payload) if isinstance(stored.item.payload, bytes) else {}
        return headline(payload) if stored.item.type == "event" else str(payload.get("transaction") or stored.item.type)
    except (ValueError, AttributeError, TypeError, LookupError):
        return ""


def _destination(waiting: Waiting) -> str:
    return waiting.destination


def _lines(destination: str, group: list[Waiting], ink: Ink) -> Iterator[str]:
    total = quantities.size(sum(each.found.size for each in group))
    yield f"{ink.title(cut(destination, WIDTH))}: {quantities.envelopes(len(group))}, {total}"
    for each in group:
        mark = "held" if each.found.held else ""
        row = f"   {quantities.age(each.found.age):>6} {quantities.size(each.found.size):>7} {mark:4} "
        yield (
            row + ink.quiet(each.found.event_id) + "  " + cut(each.what or "no envelope of ours", WIDTH - len(row) - 34)
        )
    held = sum(each.found.held for each in group)
    if held:
        yield f"   {held} of them held by running programs, which send them."


def _plain(waiting: Waiting) -> dict[str, object]:
    found = waiting.found
    return {
        "event_id": found.event_id,
        "what": waiting.what,
        "dsn": None if waiting.destination == NOBODY else waiting.destination,
        "age": round(found.age, 3),
        "bytes": found.size,
        "held": found.held,
        "path": found.path,
    }
