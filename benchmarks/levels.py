"""What each level and encoding of compression takes, and leaves: ``python benchmarks/levels.py`` prints the table.

It is the one in docs/delivery.md, for which the default level was chosen: the processor's time in microseconds, a
median, and the bytes of the body, for the events of the errors ``shallow``, ``mid`` and ``deep``; and the time to make
their JSON. What is not installed is left out.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import import_module
from typing import Any, Final

from asyncsentry.delivery.compression import compression
from bodies import decoded, items
from content import OURS, body_of
from parts import microseconds

ERRORS: Final = {"shallow": "3 frames", "mid": "10 frames", "deep": "30 frames"}
"""With their headings."""
CHOICES: Final[dict[int | str, str]] = {
    1: "`1`, the default",
    3: "`3`",
    6: "`6`",
    9: "`9`",
    "zstd": '`"zstd"`',
    "br": '`"br"`',
}
"""Of the option ``compress``."""


def compressors() -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    for choice, told in CHOICES.items():
        try:
            found = compression(choice)
        except ImportError:
            continue
        assert found is not None
        yield told, found.compress


def encoders() -> Iterator[tuple[str, Callable[[Any], object]]]:
    yield "standard library", json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    try:
        yield "`orjson` (the extra `fast`)", import_module("orjson").dumps
    except ImportError:
        return


def table(calls: int) -> Iterator[str]:
    bodies = [decoded(body_of(OURS, error)) for error in ERRORS]
    events = [json.loads(payload) for body in bodies for kind, payload in items(body) if kind == "event"]
    yield _row("`compress`", ERRORS.values())
    yield "|---|---:|---:|---:|"
    yield _row("`0`", (f"{len(body):,} bytes" for body in bodies))
    for told, compress in compressors():
        times = [microseconds(partial(compress, body), calls, time.thread_time_ns) for body in bodies]
        sizes = [len(compress(body)) for body in bodies]
        yield _row(told, (f"{taken:.0f} µs, {size:,} bytes" for taken, size in zip(times, sizes, strict=True)))
    for told, encode in encoders():
        times = [microseconds(partial(encode, event), calls, time.thread_time_ns) for event in events]
        yield _row(f"to make the JSON: {told}", (f"{taken:.0f} µs" for taken in times))


def _row(told: str, cells: Iterable[str]) -> str:
    return f"| {told} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=300, help="how often each is called (default: 300)")
    for line in table(parser.parse_args().calls):
        print(line, flush=True)


if __name__ == "__main__":
    main()
