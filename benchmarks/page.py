"""The figures of the documentation's page on performance.

``run.py --json FILE --svg docs/performance`` and ``startup.py --json STARTS``, then ``page.py STARTS FILE…`` (several,
if not all cases were measured in one run), which writes ``docs/performance/figures.md``: a table of each kind of case,
in which a row is a case, with the SDKs side by side, and a chart of some; at its end all that was measured. Nobody
writes these figures by hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

import startup
from cases import CASES
from results import Ratio, Results
from sdks import NONE, PEER
from startup import Measured
from table import LIMIT, number

OURS: Final = "asyncsentry"
PAGE: Final = Path(__file__).parents[1] / "docs" / "performance" / "figures.md"

PARTS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "What a capture costs its caller": (
        "The second is what to compare with ours. The floor is a program that does nothing but what any SDK has to; "
        "the last column is how many times its figure ours is.",
        ("shallow", "mid", "deep", "chain", "group", "before-send", "message", "breadcrumb", "log"),
    ),
    "What a capture costs that sends nothing": (
        "",
        ("uninitialised", "off", "ignored", "unsampled", "duplicate", "limited", "flooded", "full", "refused"),
    ),
    "Awkward variables, and a long file": (
        "One of them in a frame.",
        tuple(name for name in CASES if name.startswith("awkward-")),
    ),
    "The event loop": (
        "How long a heartbeat is late, and the longest time that sending holds the loop.",
        ("slices", "storm", "storm-roomy", "steady-mid", "steady-deep"),
    ),
    "Delivery": (
        "Events a second until the last is acknowledged, by what the server takes for each, of which more is better; "
        "and 20,000 captures for a server that is not there.",
        ("throughput-0", "throughput-20", "throughput-50", "hanging", "down"),
    ),
    "Web servers and memory": ("", ("web-aiohttp", "web-starlette", "web-flask", "memory")),
}
"""The headings, with a sentence and the cases of each."""

DRAWN: Final = (
    *("shallow", "mid", "deep", "chain", "group", "message", "breadcrumb", "log"),
    *("slices", "storm", "storm-roomy", "steady-mid", "throughput-0", "throughput-20"),
    *("web-aiohttp", "memory"),
)
"""The cases that have a chart."""


def read(paths: Iterable[Path]) -> tuple[dict[str, Any], dict[str, Results]]:
    """What was measured where, and the results of each case: of a case that is in two files, the last one's."""
    about: dict[str, Any] = {"sdks": {}}
    found = {}
    for path in paths:
        told = json.loads(path.read_text(encoding="utf-8"))
        about = {**about, **told, "sdks": {**about["sdks"], **told["sdks"]}}
        for case, outcomes in told["cases"].items():
            found[case] = Results(case, list(outcomes))
            found[case].outcomes = outcomes
    return about, found


def lines(about: dict[str, Any], found: dict[str, Results], starts: list[dict[str, Measured]]) -> Iterator[str]:
    yield from ("<!-- written by benchmarks/page.py -->", "# Figures of performance", "")
    names = ", ".join(name for sdk, name in about["sdks"].items() if sdk != NONE)
    yield f"Python {about['python']}, {about['cores']} cores; medians of several runs. {names}."
    for heading, (told, cases) in PARTS.items():
        measured = [found[case] for case in cases if case in found]
        if measured:
            yield from ("", f"## {heading}", "", " ".join(filter(None, (told, _runs(measured)))), "")
            yield from _table(measured)
            for results in measured:
                if results.case in DRAWN:
                    yield from ("", f"![{CASES[results.case].told}]({results.case}.svg)")
    yield from ("", "## Start", "", f"Each in a fresh process. {len(starts)} runs.", "", *_starts(starts))
    yield from ("", "## All that was measured", "", *_all(found))


_STARTS: Final = {"import": "import, ms", "init": "`init`, ms", "modules": "modules", "threads": "threads"}


def _starts(runs: list[dict[str, Measured]]) -> Iterator[str]:
    others = [name for name in runs[0] if name not in (startup.OURS, startup.PEER)]
    yield f"| | {' | '.join((OURS, PEER, 'ratio', *others))} |"
    yield f"|---|{'---:|' * (3 + len(others))}"
    for part, told in _STARTS.items():
        figures = {name: [float(run[name][part]) for run in runs] for name in runs[0]}  # type: ignore[literal-required]
        ours, theirs = figures[startup.OURS], figures[startup.PEER]
        ratio = median(b / a for a, b in zip(ours, theirs, strict=True)) if all(ours) else None
        times = "–" if ratio is None else f"**{ratio:.1f}**"
        cells = [
            number(median(ours)),
            number(median(theirs)),
            times,
            *(number(median(figures[each])) for each in others),
        ]
        yield f"| {told} | {' | '.join(cells)} |"


def _all(found: dict[str, Results]) -> Iterator[str]:
    """Every column of every case."""
    sdks = [OURS, PEER, *_others(list(found.values()))]
    yield f"| | | {' | '.join(sdks)} |"
    yield f"|---|---|{'---:|' * len(sdks)}"
    for results in found.values():
        case = CASES[results.case]
        for column in case.columns:
            cells = (_figure(results, sdk, column) for sdk in sdks)
            yield f"| `{results.case}` | {column}, {case.unit} | {' | '.join(cells)} |"


def _runs(measured: list[Results]) -> str:
    counts = {len(outcomes) for results in measured for outcomes in results.outcomes.values() if outcomes}
    fewest, most = min(counts), max(counts)
    return f"{most} runs." if fewest == most else f"{fewest} to {most} runs."


def _table(measured: list[Results]) -> Iterator[str]:
    """A row for each case: its first column."""
    others = [sdk for sdk in _others(measured) if any(_figure(each, sdk, _first(each)) != "–" for each in measured)]
    heads = [OURS, PEER, "ratio", *others, *(["× floor"] if LIMIT in others else [])]
    yield f"| | | {' | '.join(heads)} |"
    yield f"|---|---|{'---:|' * len(heads)}"
    for results in measured:
        case, first = CASES[results.case], _first(results)
        cells = [_figure(results, sdk, first) for sdk in (OURS, PEER)]
        row = [case.told, f"{first}, {case.unit}", *cells, _ratio(results)]
        row += [_figure(results, sdk, first) for sdk in others]
        if LIMIT in others:
            row.append(_by_floor(results))
        yield f"| {' | '.join(row)} |"


def _others(measured: list[Results]) -> list[str]:
    """All that have a figure but the two that are compared; the limit comes last."""
    seen = {sdk: None for results in measured for sdk in results.outcomes if results.without_figures(sdk) is None}
    last = [sdk for sdk in (NONE, LIMIT) if sdk in seen]
    return [*(sdk for sdk in seen if sdk not in (OURS, PEER, *last)), *last]


def _figure(results: Results, sdk: str, column: str) -> str:
    if sdk not in results.outcomes or results.without_figures(sdk) is not None:
        return "–"
    return number(results.figure(sdk, column))


def _first(results: Results) -> str:
    return CASES[results.case].columns[0]


def _by_floor(results: Results) -> str:
    ratio = results.ratio(OURS, LIMIT) if LIMIT in results.outcomes else None
    return "–" if ratio is None else number(ratio.median)


def _ratio(results: Results) -> str:
    """How many times better ours is, with the quartiles of the runs."""
    if PEER not in results.outcomes:
        return "–"
    first, second = (OURS, PEER) if CASES[results.case].more_is_better else (PEER, OURS)
    ratio: Ratio | None = results.ratio(first, second)
    if ratio is None:
        return "–"
    low, high = ratio.quartiles or (ratio.median, ratio.median)
    return f"**{ratio.median:.1f}** ({low:.1f} to {high:.1f})"


def main() -> int:
    starts, *files = map(Path, sys.argv[1:])
    about, found = read(files)
    page = lines(about, found, json.loads(starts.read_text(encoding="utf-8")))
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join(page) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
