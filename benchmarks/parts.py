"""Where the time of one capture goes: ``python benchmarks/parts.py`` prints each part's median, and the floor's.

The parts are called one after the other, each many times on the same error, as the capture itself would. So all of
them have warm caches, as they have not in a program that does other things in between; but nothing is sent, and
Python's garbage collector looks through all that waits.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from statistics import median
from types import TracebackType
from typing import Any, Final

import asyncsentry
from asyncsentry.events.exceptions import Exceptions, Mechanism
from asyncsentry.events.frames import traceback_frames
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.hiding import hide_secrets
from asyncsentry.json import encode
from asyncsentry.transport.protocol import Request, Settle
from asyncsentry.transport.settings import Settings
from sdks import floor
from workloads import WORKLOADS

DSN: Final = "http://key@127.0.0.1:9/1"
MECHANISM: Final = Mechanism()


class Nowhere:
    """A transport that sends nothing."""

    def __init__(self, settings: Settings) -> None:
        pass

    def later(self, delay: float, turn: Callable[[], None], /) -> bool:  # noqa: ARG002
        return True

    def send(self, request: Request, settle: Settle, /) -> None:  # noqa: ARG002
        raise AssertionError("no turn runs")

    def wait(self, idle: Future[None], timeout: float, /) -> bool:  # noqa: ARG002
        return True

    def close(self, idle: Future[None], timeout: float, /) -> bool:  # noqa: ARG002
        return True


def microseconds(do: Callable[[], object], calls: int, clock: Callable[[], int] = time.perf_counter_ns) -> float:
    """The median."""
    taken = []
    for _ in range(calls):
        begun = clock()
        do()
        taken.append(clock() - begun)
    return median(taken) / 1000


def variables(traceback: TracebackType | None) -> Iterator[Mapping[str, Any]]:
    while traceback is not None:
        yield dict(traceback.tb_frame.f_locals)
        traceback = traceback.tb_next


def measure(workload: str, calls: int) -> dict[str, float]:
    """Each part, by name."""
    client = asyncsentry.init(DSN, transport=Nowhere, queue_bytes=2**30, flood_limit=0, shutdown_timeout=0)
    make = WORKLOADS[workload]
    client.capture_exception(make())
    recorder, error = client._recorder, make()
    assert recorder is not None
    assembly, dispatcher = recorder._assembly, recorder._shipping.open()
    assert dispatcher is not None
    rules, known, local = assembly.rules, client.scopes.known(), list(variables(error.__traceback__))

    def freeze() -> None:
        freezer = Freezer(rules)
        for each in local:
            freezer.freeze_mapping(each)

    freezer = Freezer(rules)
    event = assembly.of_error(error, MECHANISM, {}, known, freezer)
    item = assembly.item(event, freezer, (), ())
    frames = microseconds(lambda: traceback_frames(error.__traceback__, Freezer(rules)), calls)
    frozen = microseconds(freeze, calls)
    exceptions = microseconds(lambda: Exceptions(error, MECHANISM, Freezer(rules)).with_stacks(), calls)
    events = microseconds(lambda: assembly.of_error(error, MECHANISM, {}, known, Freezer(rules)), calls)
    parts = {
        "variables, frozen": frozen,
        "frames beside that": frames - frozen,
        "exceptions beside that": exceptions - frames,
        "the event beside that": events - exceptions,
        "what the scopes know": microseconds(client.scopes.known, calls),
        "the item": microseconds(lambda: assembly.item(event, freezer, (), ()), calls),
        "the queue, and a turn asked for": microseconds(lambda: dispatcher.put(dispatcher.entry(item)), calls),
    }
    errors = iter([make() for _ in range(calls)])
    whole = microseconds(lambda: client.capture_exception(next(errors)), calls)
    return {
        **parts,
        "decisions, and what joins all that": whole - sum(parts.values()),
        "the capture": whole,
        "later: secrets in texts, hidden": microseconds(
            lambda: hide_secrets(event, rules.secret_names, freezer.seen), calls
        ),
        "later: JSON": microseconds(lambda: encode(event), calls),
        "floor: variables": microseconds(lambda: [floor.plain(each) for each in local], calls),
        "floor: all": microseconds(lambda: floor.exceptions(error), calls),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=300, help="how often each part is called (default: 300)")
    calls = parser.parse_args().calls
    measured = {workload: measure(workload, calls) for workload in ("shallow", "mid", "deep")}
    print("µs".ljust(36) + "".join(f"{workload:>10}" for workload in measured))
    for part in measured["deep"]:
        print(part.ljust(36) + "".join(f"{figures[part]:>10.1f}" for figures in measured.values()))


if __name__ == "__main__":
    main()
