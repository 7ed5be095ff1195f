"""What is in an event: the one that asyncsentry sends and the one that sentry-sdk sends for the same error, by field.

``python benchmarks/content.py`` prints, for the error ``mid`` (or ``--workload``), the sizes of both events and every
field with how often each has it and in how many places both say the same. Locals are one field, however nested.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from bodies import decoded, items
from sdks import PEER, SDKS, label, load, missing
from sink import Sink, latest
from workloads import WORKLOADS, OrderError

OURS: Final = "asyncsentry"
ONE_FIELD: Final = ("vars", "modules", "pre_context", "post_context")
"""Fields that are not looked into."""
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


def compare(ours: Event, theirs: Event) -> Iterator[str]:
    """A line for each field."""
    sides = [dict(leaves(ours)), dict(leaves(theirs))]
    places: dict[str, list[Place]] = defaultdict(list)
    for place in sorted({*sides[0], *sides[1]}, key=str):
        places[field(place)].append(place)
    yield f"{'field':54}{OURS:>12}{PEER:>12}{'same':>6}   the first that differs"
    for name, where in sorted(places.items()):
        counts = [sum(place in side for place in where) for side in sides]
        both = [place for place in where if all(place in side for side in sides)]
        same = sum(sides[0][place] == sides[1][place] for place in both)
        different = [place for place in both if sides[0][place] != sides[1][place]]
        yield f"{name:54}{counts[0]:12}{counts[1]:12}{same:6}   {_example(sides, different or where[:1], same)}"


def _example(sides: list[dict[Place, Any]], different: list[Place], same: int) -> str:
    place = different[0]
    if all(place in side for side in sides):
        if sides[0][place] == sides[1][place]:
            return ""
        a, b = (side[place] for side in sides)
        if isinstance(a, dict) and isinstance(b, dict):  # the first member that differs says more than the whole
            key = next((key for key in a if a[key] != b.get(key)), None)
            a, b = (a, b) if key is None else ({key: a[key]}, {key: b.get(key)})
        return f"{_short(a)}  |  {_short(b)}"
    present = 0 if place in sides[0] else 1
    return f"{(OURS, PEER)[present]} alone: {_short(sides[present][place])}" if not same else ""


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def sizes(events: list[Event]) -> Iterator[str]:
    """How many bytes of JSON each top-level field has."""
    for name in sorted({*events[0], *events[1]}):
        yield f"{name:54}" + "".join(
            f"{len(json.dumps(event[name])) if name in event else '–':>12}" for event in events
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", choices=WORKLOADS, default="mid", help="which error (default: mid)")
    parser.add_argument("--send", choices=SDKS, help=argparse.SUPPRESS)
    parser.add_argument("--sink", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.send:
        asyncio.run(send(arguments.send, arguments.workload, arguments.sink))
        return
    if absent := missing(PEER):
        sys.exit(f"not compared, since {absent} is not installed")
    received = [receive(sdk, arguments.workload) for sdk in (OURS, PEER)]
    events = [event for event, _ in received]
    print(f"the error {arguments.workload}: {label(OURS)} and {label(PEER)}\n")
    print(f"{'bytes of JSON':54}{OURS:>12}{PEER:>12}")
    for line in sizes(events):
        print(line)
    print(f"{'all':54}" + "".join(f"{len(json.dumps(event)):12}" for event in events))
    print(f"{'on the wire, compressed':54}" + "".join(f"{wire:12}" for _, wire in received) + "\n")
    for line in compare(*events):
        print(line)


if __name__ == "__main__":
    main()
