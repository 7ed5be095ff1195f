"""Whether sending holds a loop up: how late a beat of 1 ms is, with events on their way and without.

Run by ``nox -s heartbeat``. Each run is a fresh process, with its loop, hub or reactor: it beats, and captures a
message ten times a second, which the server, in another process, answers after two seconds. The run beside it is the
same with a client that has no DSN. Both are taken in turns; shown are medians over the runs, in milliseconds, of a
beat's lag.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from pulse import BEAT, Pulse

ANSWER_AFTER = 2.0
CAPTURES_A_SECOND = 10

Beat = Callable[[], bool]
"""One beat; gives whether there is another."""


class Heart:
    """Beats, and captures."""

    def __init__(self, dsn: str, seconds: float) -> None:
        import asyncsentry

        self._capture = asyncsentry.capture_message
        asyncsentry.init(dsn, queue_bytes=2**28, max_in_flight=100)
        self._end = time.perf_counter() + seconds
        self._beats = 0
        self.pulse = Pulse()

    def __call__(self) -> bool:
        self.pulse()
        self._beats += 1
        if self._beats % round(1 / BEAT / CAPTURES_A_SECOND) == 0:
            self._capture(f"beat {self._beats}")
            self.pulse.restart()
        return time.perf_counter() < self._end


def on_asyncio(beat: Beat) -> None:
    async def live() -> None:
        while beat():
            await asyncio.sleep(BEAT)

    asyncio.run(live())


def on_gevent(beat: Beat) -> None:
    import gevent

    while beat():
        gevent.sleep(BEAT)


def on_eventlet(beat: Beat) -> None:
    import eventlet

    while beat():
        eventlet.sleep(BEAT)  # pyright: ignore[reportArgumentType]  # as if it took whole seconds alone


def on_twisted(beat: Beat) -> None:
    from twisted.internet import reactor

    running: Any = reactor

    def live() -> None:
        if beat():
            running.callLater(BEAT, live)
        else:
            running.stop()

    running.callWhenRunning(live)
    running.run()


def on_trio(beat: Beat) -> None:
    import trio

    async def live() -> None:
        while beat():
            await trio.sleep(BEAT)

    trio.run(live)


STYLES: dict[str, tuple[Callable[[Beat], None], str | None]] = {
    "asyncio": (on_asyncio, None),
    "aiohttp": (on_asyncio, "aiohttp"),
    "httpx": (on_asyncio, "httpx"),
    "tornado": (on_asyncio, "tornado"),
    "gevent": (on_gevent, "gevent"),
    "eventlet": (on_eventlet, "eventlet"),
    "twisted": (on_twisted, "twisted"),
    "trio": (on_trio, "trio"),
}
"""Each asynchronous transport: how its loop runs, and the library without which it cannot be measured."""


def measure(style: str, dsn: str, seconds: float) -> tuple[float, float]:
    """One fresh process: the 99th percentile of the lag and its maximum, in milliseconds."""
    command = [sys.executable, __file__, "--style", style, "--dsn", dsn, "--seconds", str(seconds)]
    p99, most = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return p99, most


def beat_once(style: str, dsn: str, seconds: float) -> None:
    heart = Heart(dsn, seconds)
    STYLES[style][0](heart)
    print(json.dumps([heart.pulse.p99, heart.pulse.longest]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9, help="how often each is run (default: 9)")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each beats (default: 5)")
    parser.add_argument("--style", choices=STYLES, help="measure this one alone")
    parser.add_argument("--dsn", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="write the measurements to this file")
    arguments = parser.parse_args()
    if arguments.dsn is not None:
        beat_once(arguments.style, arguments.dsn, arguments.seconds)
        return
    styles = [arguments.style] if arguments.style else [name for name, (_, needs) in STYLES.items() if _is_here(needs)]
    report({style: compare(style, arguments.runs, arguments.seconds) for style in styles}, arguments.json)


def _is_here(library: str | None) -> bool:
    return library is None or find_spec(library) is not None


def compare(style: str, runs: int, seconds: float) -> dict[str, list[tuple[float, float]]]:
    """The runs with events on their way, and those without, in turns."""
    from asyncsentry.testing import Answer, LocalSentry

    with LocalSentry() as sentry:
        sentry.always(Answer(delay=ANSWER_AFTER))
        found: dict[str, list[tuple[float, float]]] = {"sending": [], "idle": []}
        for _ in range(runs):
            found["idle"].append(measure(style, "", seconds))
            found["sending"].append(measure(style, sentry.dsn_for(style), seconds))
    return found


def report(found: dict[str, dict[str, list[tuple[float, float]]]], file: Path | None) -> None:
    print(f"Python {sys.version.split()[0]}; lag of a beat of 1 ms, in ms\n")
    print(f"{'':10}{'p99 sending':>14}{'idle':>8}{'maximum sending':>18}{'idle':>8}")
    for style, runs in found.items():
        (p99, most), (p99_idle, most_idle) = (
            [median(column) for column in zip(*runs[kind], strict=True)] for kind in runs
        )
        print(f"{style:10}{p99:14.2f}{p99_idle:8.2f}{most:18.2f}{most_idle:8.2f}")
    if file:
        file.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
