"""A case played through: its program as a process of its own, the server that it sends to, and what is to be said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from hostile.case import BESIDE, MESSAGE, Case
from hostile.cases import CASES

TESTS: Final = Path(__file__).parents[1]
PATIENCE: Final = 40.0
"""Seconds after which a program is said to hang."""
NOTABLE: Final = 3.0
"""Seconds: a program that was held up for longer says so."""


class Server(Protocol):
    """What a program sends to: `LocalSentry`, or what takes the requests of older SDKs."""

    @property
    def port(self) -> int: ...
    @property
    def events(self) -> Sequence[dict[str, Any]]: ...
    @property
    def client_reports(self) -> Sequence[dict[str, Any]]: ...


@dataclass(frozen=True)
class Played:
    """What a program did: ``status`` is None if it had to be killed, ``said`` what it wrote on standard error."""

    status: int | None
    printed: str
    said: str
    refused: str | None
    raised: Sequence[str]
    done: bool
    seconds: float
    """For how long it was held up."""
    captured: int
    counted: int
    events: Sequence[Mapping[str, Any]]


def play(name: str, sdk: str, server: Server, folder: Path) -> Played:
    """Run the program to its end, beside ``server``."""
    ended, notes = _run([name], sdk, server, folder)
    reported = sum(
        row["quantity"]
        for report in server.client_reports
        for row in report["discarded_events"]
        if row["category"] == "error"
    )
    return _played(CASES[name], ended, notes, server.events, max(_sum(notes, "counted"), reported))


def play_together(names: Sequence[str], sdk: str, server: Server, folder: Path) -> Mapping[str, Played]:
    """The same with cases that leave no traces, one after the other in one program."""
    ended, notes = _run(names, sdk, server, folder)
    of_each: dict[str, list[Any]] = {name: [] for name in names}
    current: list[Any] = []
    for note in notes:
        if "case" in note:
            current = of_each[note["case"]]
        current.append(note)
    played = {}
    for name in names:
        events = [event for event in server.events if event["tags"]["case"] == name]
        own = of_each[name]
        played[name] = _played(CASES[name], ended, own, events, _sum(own, "counted_here"))
    return played


def _run(
    names: Sequence[str], sdk: str, server: Server, folder: Path
) -> tuple[subprocess.CompletedProcess[str] | None, list[Any]]:
    """The program, if it came to its end, and what is noted of it."""
    path = folder / "notes"
    path.touch()
    kept = {each: value for each, value in os.environ.items() if not each.startswith(("COVERAGE", "SENTRY"))}
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "hostile.program", sdk, str(path), *names],
            env={**kept, "SENTRY_DSN": f"http://{'a' * 32}@127.0.0.1:{server.port}/1", **CASES[names[0]].environment},
            cwd=TESTS,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        ended = None
    return ended, [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _sum(notes: Sequence[Any], name: str) -> Any:
    return sum(note.get(name, 0) for note in notes)


def _played(
    case: Case,
    ended: subprocess.CompletedProcess[str] | None,
    notes: Sequence[Any],
    events: Sequence[dict[str, Any]],
    counted: int,
) -> Played:
    known = {event["event_id"]: event for event in events}
    return Played(
        status=ended.returncode if ended else None,
        printed=ended.stdout if ended else "",
        said=ended.stderr if ended else "",
        refused=next((note["refused"] for note in notes if "refused" in note), None),
        raised=[note["raised"] for note in notes if note.get("raised")],
        done=any("done" in note for note in notes),
        seconds=_sum(notes, "seconds"),
        captured=_sum(notes, "captured"),
        counted=counted,
        events=[event for event in known.values() if not case.ignores or case.ignores not in json.dumps(event)],
    )


def outcome(case: Case, played: Played, alone: Played) -> str:
    """What came of it, in the documentation's words. ``alone`` is what the program does without an SDK."""
    if played.status is None:
        return "hangs"
    if played.refused is not None:
        return f"refused at set-up: `{played.refused}`"
    harm = [*_harm(played, alone)]
    said = ", ".join([_arrived(case, played), *harm])
    return f"**{said}**" if harm else said


def _harm(played: Played, alone: Played) -> list[str]:
    harm = [f"raises `{name}` into the program" for name in sorted(set(played.raised))]
    if played.seconds > NOTABLE:
        harm.append(f"after {played.seconds:.0f} s")
    if played.status != alone.status:
        crashed = played.status is not None and played.status < 0
        ended = not played.done and alone.done
        harm.append("crashes it" if crashed else "ends it" if ended else "changes the exit status")
    elif alone.printed not in played.printed:
        harm.append("changes what it prints")
    return harm


def _arrived(case: Case, played: Played) -> str:
    arrived, missing = len(played.events), played.captured - len(played.events)
    if missing <= 0:
        return ("event" if arrived == 1 else f"{arrived} events") + _defects(case, played)
    fate = "counted" if played.counted >= missing else "lost"
    return fate if not arrived else f"{arrived} of {played.captured} events, the rest {fate}"


def _defects(case: Case, played: Played) -> str:
    whole = json.dumps(list(played.events), ensure_ascii=False)
    said = " ".join(str(text) for event in played.events for text in _texts(event))
    names = {MESSAGE: "its message", BESIDE: "the variables"}
    missing = [
        names.get(shown, f"`{shown}`") for shown in case.shows if shown not in (said if shown == MESSAGE else whole)
    ]
    return f" without {' and '.join(missing)}" if missing else ""


def _texts(event: Mapping[str, Any]) -> Iterator[object]:
    """What the event says, of all that it shows."""
    exception, logentry = event.get("exception"), event.get("logentry")
    for value in exception.get("values", ()) if isinstance(exception, dict) else ():
        yield value.get("value")
    if isinstance(logentry, dict):
        yield from logentry.values()
    yield event.get("message")
