"""What is in an event: the one that asyncsentry sends and the one that sentry-sdk sends for the same thing, by field.

``python benchmarks/content.py`` prints, for each kind of event (or the one of ``--event``), the sizes of both and every
field with how often each has it, in how many places both say the same, and why they differ. It fails if one differs
otherwise than meant.py says, or in no event as meant.py says. Locals are one field, however nested, in the way that
sentry-sdk spells them; what is hidden in ours is so in theirs, and an error or another object that ours show by its
fields is so, too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bodies import decoded, items
from meant import ABSENT, MEANT, entry
from programs import FOLDER, command
from programs.telling import EVENTS
from sdks import PEER, label, missing
from sink import Sink, latest

OURS: Final = "asyncsentry"
ONE_FIELD: Final = ("vars", "modules", "pre_context", "post_context")
"""Fields that are not looked into."""
FILTERED: Final = "[Filtered]"
SHOWN: Final = 48
"""Characters of an example."""

Place = tuple[str | int, ...]
Event = dict[str, Any]


def body_of(sdk: str, name: str) -> bytes:
    """What it sends, from a process of its own."""
    with Sink() as sink:
        subprocess.run(command("telling", sdk, sink.url, name), cwd=FOLDER, check=True)
        return latest(sink.url)


def receive(sdk: str, name: str) -> tuple[Event, int]:
    """The event that it sends, and its size on the wire in bytes."""
    body = body_of(sdk, name)
    for kind, payload in items(decoded(body)):
        if kind == "event":
            event: Event = json.loads(payload)
            return event, len(body)
    raise AssertionError(f"{sdk} sent no event")


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Everything in it that holds nothing else, with where it is."""
    if isinstance(value, dict) and value and not (place and place[-1] in ONE_FIELD):
        for key, each in value.items():
            yield from leaves(each, (*place, key))
    elif isinstance(value, list) and value and not (place and place[-1] in ONE_FIELD):
        for index, each in enumerate(value):
            yield from leaves(each, (*place, index))
    else:
        yield place, value


def field(place: Place) -> str:
    """Its name, the same for all members of a list."""
    return ".".join("[]" if isinstance(step, int) else step for step in place)


def spelled(value: Any) -> Any:
    """A local variable as sentry-sdk spells it: what holds nothing else as its `repr`."""
    if isinstance(value, dict):
        return {key: spelled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [spelled(each) for each in value]
    return value if value == FILTERED else repr(value)


def veiled(theirs: Any, ours: Any) -> Any:
    """Their variables, without what is hidden in ours, and objects with the fields that ours show instead of a text."""
    if ours == FILTERED or (isinstance(theirs, str) and isinstance(ours, dict) and "__class__" in ours):
        return ours
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return {key: veiled(each, ours.get(key)) for key, each in theirs.items()}
    if isinstance(theirs, list) and isinstance(ours, list) and len(ours) == len(theirs):
        return [veiled(each, our) for each, our in zip(theirs, ours, strict=True)]
    return theirs


def same(ours: Any, theirs: Any) -> bool:
    """Whether both say the same, in JSON: 1 is neither 1.0 nor true there."""
    return type(ours) is type(theirs) and ours == theirs


@dataclass(frozen=True)
class Compared:
    """One field of both events."""

    name: str
    ours: int
    """In how many places we have it."""
    theirs: int
    same: int
    """In how many places both say the same."""
    strange: bool
    """Whether there is a difference that is not meant."""
    example: str
    """The first such difference, or else the first of all; empty if there is none."""

    @property
    def meant(self) -> str | None:
        """The entry of `MEANT` that says why it differs."""
        return entry(self.name) if self.example and not self.strange else None

    def __str__(self) -> str:
        start = f"{self.name:54}{self.ours:12}{self.theirs:12}{self.same:6}"
        if not self.example:
            return start
        return f"{start}   {MEANT[self.meant].reason if self.meant else 'NOT MEANT'}: {self.example}"


def compare(ours: Event, theirs: Event) -> Iterator[Compared]:
    """Each field."""
    sides = dict(leaves(ours)), dict(leaves(theirs))
    fields: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
    for place in sorted({*sides[0], *sides[1]}, key=str):
        a, b = (side.get(place, ABSENT) for side in sides)
        if place[-1] == "vars" and ABSENT not in (a, b):
            a = spelled(a)
            b = veiled(b, a)
        fields[field(place)].append((a, b))
    for name, pairs in sorted(fields.items()):
        yield _compared(name, pairs)


def _compared(name: str, pairs: list[tuple[Any, Any]]) -> Compared:
    """``pairs``: what we and they say, in each place."""
    ours, theirs = (sum(pair[side] is not ABSENT for pair in pairs) for side in (0, 1))
    different = [pair for pair in pairs if not same(*pair)]
    known = entry(name)
    strange = [pair for pair in different if known is None or not MEANT[known].covers(*pair)]
    example = _example(*(strange or different)[0]) if different else ""
    return Compared(name, ours, theirs, len(pairs) - len(different), bool(strange), example)


def _example(ours: Any, theirs: Any) -> str:
    if theirs is ABSENT:
        return f"{OURS} alone has {_short(ours)}"
    if ours is ABSENT:
        return f"{PEER} alone has {_short(theirs)}"
    if isinstance(ours, dict) and isinstance(theirs, dict):  # the first member that differs says more than the whole
        key = next((key for key in ours if ours[key] != theirs.get(key)), None)
        ours, theirs = (ours, theirs) if key is None else ({key: ours[key]}, {key: theirs.get(key)})
    return f"{_short(ours)} | {_short(theirs)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def sizes(events: list[Event]) -> Iterator[str]:
    """How many bytes of JSON each top-level field has."""
    for name in sorted({*events[0], *events[1]}):
        yield f"{name:54}" + "".join(
            f"{len(json.dumps(event[name])) if name in event else '–':>12}" for event in events
        )


def report(name: str) -> list[Compared]:
    """Print both tables; gives the fields."""
    received = [receive(sdk, name) for sdk in (OURS, PEER)]
    events = [event for event, _ in received]
    print(f"{name}: {label(OURS)} and {label(PEER)}\n")
    print(f"{'bytes of JSON':54}{OURS:>12}{PEER:>12}")
    for line in sizes(events):
        print(line)
    print(f"{'all':54}" + "".join(f"{len(json.dumps(event)):12}" for event in events))
    print(f"{'on the wire, compressed':54}" + "".join(f"{wire:12}" for _, wire in received))
    print(f"\n{'field':54}{OURS:>12}{PEER:>12}{'same':>6}   why they differ, and the first difference")
    fields = list(compare(*events))
    print(*fields, "", sep="\n")
    return fields


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--event", choices=EVENTS, help="this one alone")
    only = parser.parse_args().event
    if absent := missing(PEER):
        sys.exit(f"not compared, since {absent} is not installed")
    fields = [each for name in ([only] if only else EVENTS) for each in report(name)]
    strange = sorted({each.name for each in fields if each.strange})
    unseen = [] if only else sorted(MEANT.keys() - {each.meant for each in fields})
    for name in strange:
        print(f"{name} differs otherwise than is meant")
    for name in unseen:
        print(f"{name} is meant to differ, and does so in no event")
    return 1 if strange or unseen else 0


if __name__ == "__main__":
    sys.exit(main())
