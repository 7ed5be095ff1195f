"""What is in an event: the one that asyncsentry sends and the one that sentry-sdk sends for the same error, by field.

``python benchmarks/content.py`` prints, for each error (or the one of ``--workload``), the sizes of both events and
every field with how often each has it, in how many places both say the same, and why they differ (see meant.py). It
fails if a field differs that should not. Locals are one field, however nested, in the way that sentry-sdk spells them;
what is hidden in ours is so in theirs, and an error or another object that ours show by its fields is so, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bodies import decoded, items
from meant import why
from sdks import PEER, SDKS, label, load, missing
from sink import Sink, latest
from workloads import WORKLOADS, OrderError

OURS: Final = "asyncsentry"
ONE_FIELD: Final = ("vars", "modules", "pre_context", "post_context")
"""Fields that are not looked into."""
FILTERED: Final = "[Filtered]"
SHOWN: Final = 48
"""Characters of an example."""

Place = tuple[str | int, ...]
Event = dict[str, Any]


async def send(sdk: str, workload: str, url: str) -> None:
    """Capture one error of it, in this process."""
    adapter = load(sdk)
    adapter.init(url, "on", OrderError)
    adapter.capture(WORKLOADS[workload]())
    await adapter.drain()


def receive(sdk: str, workload: str) -> tuple[Event, int]:
    """The event that it sends, from a process of its own, and its size on the wire in bytes."""
    with Sink() as sink:
        command = [sys.executable, __file__, "--workload", workload, "--send", sdk, "--sink", sink.url]
        subprocess.run(command, check=True)
        body = latest(sink.url)
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


@dataclass(frozen=True)
class Compared:
    """One field of both events."""

    name: str
    ours: int
    """In how many places we have it."""
    theirs: int
    same: int
    """In how many places both say the same."""
    example: str
    """The first difference."""

    @property
    def differs(self) -> bool:
        return not self.ours == self.theirs == self.same

    def __str__(self) -> str:
        start = f"{self.name:54}{self.ours:12}{self.theirs:12}{self.same:6}"
        return f"{start}   {why(self.name) or 'NOT MEANT'}: {self.example}" if self.differs else start


def compare(ours: Event, theirs: Event) -> Iterator[Compared]:
    """Each field."""
    sides = [dict(leaves(ours)), dict(leaves(theirs))]
    places: dict[str, list[Place]] = defaultdict(list)
    for place in sorted({*sides[0], *sides[1]}, key=str):
        places[field(place)].append(place)
        if place[-1] == "vars" and all(place in side for side in sides):
            sides[0][place] = spelled(sides[0][place])
            sides[1][place] = veiled(sides[1][place], sides[0][place])
    for name, where in sorted(places.items()):
        ours_has, theirs_has = (sum(place in side for place in where) for side in sides)
        different = [place for place in where if not all(place in side for side in sides)]
        different += [place for place in where if place not in different and sides[0][place] != sides[1][place]]
        example = _example(sides, different[0]) if different else ""
        yield Compared(name, ours_has, theirs_has, len(where) - len(different), example)


def _example(sides: list[dict[Place, Any]], place: Place) -> str:
    having = [name for name, side in zip((OURS, PEER), sides, strict=True) if place in side]
    if len(having) == 1:
        return f"{having[0]} alone has {_short((sides[0] | sides[1])[place])}"
    a, b = (side[place] for side in sides)
    if isinstance(a, dict) and isinstance(b, dict):  # the first member that differs says more than the whole
        key = next((key for key in a if a[key] != b.get(key)), None)
        a, b = (a, b) if key is None else ({key: a[key]}, {key: b.get(key)})
    return f"{_short(a)} | {_short(b)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def sizes(events: list[Event]) -> Iterator[str]:
    """How many bytes of JSON each top-level field has."""
    for name in sorted({*events[0], *events[1]}):
        yield f"{name:54}" + "".join(
            f"{len(json.dumps(event[name])) if name in event else '–':>12}" for event in events
        )


def report(workload: str) -> bool:
    """Print both tables; False if a field differs that should not."""
    received = [receive(sdk, workload) for sdk in (OURS, PEER)]
    events = [event for event, _ in received]
    print(f"the error {workload}: {label(OURS)} and {label(PEER)}\n")
    print(f"{'bytes of JSON':54}{OURS:>12}{PEER:>12}")
    for line in sizes(events):
        print(line)
    print(f"{'all':54}" + "".join(f"{len(json.dumps(event)):12}" for event in events))
    print(f"{'on the wire, compressed':54}" + "".join(f"{wire:12}" for _, wire in received))
    print(f"\n{'field':54}{OURS:>12}{PEER:>12}{'same':>6}   why they differ, and the first difference")
    fields = list(compare(*events))
    print(*fields, "", sep="\n")
    return all(why(each.name) for each in fields if each.differs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", choices=WORKLOADS, help="this error alone")
    parser.add_argument("--send", choices=SDKS, help=argparse.SUPPRESS)
    parser.add_argument("--sink", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.send:
        asyncio.run(send(arguments.send, arguments.workload, arguments.sink))
        return 0
    if absent := missing(PEER):
        sys.exit(f"not compared, since {absent} is not installed")
    workloads = [arguments.workload] if arguments.workload else [*WORKLOADS]
    meant = [report(workload) for workload in workloads]
    return 0 if all(meant) else 1


if __name__ == "__main__":
    sys.exit(main())
