"""The table of one case, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cases import CASES
from results import Ratio, Results
from sdks import PEER, label

WIDTH: Final = 30
COLUMN: Final = 12
LIMIT: Final = "floor"
"""What the last column compares with, if it is among the SDKs."""


def lines(results: Results) -> Iterator[str]:
    case = CASES[results.case]
    clock = f" (of which the clock {results.clock:.2f})" if case.unit == "µs" else ""
    yield f"{case.told}; {case.unit}{clock}"
    heads = "".join(f"{column:>{COLUMN}}" for column in case.columns)
    yield f"{results.case:{WIDTH}}{heads}   {'to ' + PEER + ', quartiles':<34}to the floor"
    for sdk in results.outcomes:
        reason = results.without_figures(sdk)
        if reason is not None:
            yield f"{label(sdk):{WIDTH}}   – {reason}"
            continue
        figures = "".join(f"{number(results.figure(sdk, column)):>{COLUMN}}" for column in case.columns)
        ratios = f"{_ratio(results.ratio(sdk, PEER)):34}{_times(results.ratio(sdk, LIMIT))}"
        yield f"{label(sdk):{WIDTH}}{figures}   {ratios}"


def number(value: float | None) -> str:
    """Three significant figures, or all before the point."""
    if value is None:
        return "–"
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return "–"
    low, high = ratio.quartiles or (ratio.median, ratio.median)
    digits = 4 if ratio.median < 0.01 else 3 if ratio.median < 0.1 else 2 if ratio.median < 1 else 1
    spread = f"   {low:.{digits}f} to {high:.{digits}f}" if ratio.quartiles else ""
    return f"{ratio.median:.{digits}f}{spread}"


def _times(ratio: Ratio | None) -> str:
    return "–" if ratio is None else f"{ratio.median:.1f}"
