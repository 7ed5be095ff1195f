"""The figures of all runs of one case, and what is computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from cases import CASES


class Failed(Exception):
    """An SDK gave no figures."""


@dataclass(frozen=True)
class Ratio:
    """An SDK's figure over another's in the same run: below 1 it is the smaller."""

    median: float
    quartiles: tuple[float, float] | None
    """Of the runs' own ratios; None with a single run."""


class Results:
    """One case. The outcomes are those of measure.py, or ``failed`` with the reason."""

    def __init__(self, case: str, sdks: list[str]) -> None:
        self.case = case
        self.outcomes: dict[str, list[dict[str, Any]]] = {sdk: [] for sdk in sdks}

    def add(self, sdk: str, outcome: dict[str, Any]) -> None:
        self.outcomes[sdk].append(outcome)

    def fail(self, sdk: str, reason: str) -> None:
        self.outcomes[sdk].append({"failed": reason})

    @property
    def failed(self) -> bool:
        return any("failed" in outcome for outcomes in self.outcomes.values() for outcome in outcomes)

    @property
    def runs(self) -> int:
        return max((len(outcomes) for outcomes in self.outcomes.values()), default=0)

    @property
    def clock(self) -> float:
        """What taking the time costs, in microseconds."""
        costs = [outcome["clock"] for outcomes in self.outcomes.values() for outcome in outcomes if "clock" in outcome]
        return median(costs) if costs else 0.0

    def without_figures(self, sdk: str) -> str | None:
        """Why there are none of this SDK; None if there are."""
        for outcome in self.outcomes[sdk]:
            if "figures" in outcome:
                return None
        for outcome in self.outcomes[sdk]:
            if "not_offered" in outcome:
                return f"not offered: {outcome['not_offered']}"
        return "failed"

    def figure(self, sdk: str, column: str) -> float | None:
        """The median over the runs; None if the SDK has nothing for this column."""
        figures = [outcome["figures"].get(column) for outcome in self.outcomes[sdk] if "figures" in outcome]
        known: list[float] = [figure for figure in figures if figure is not None]
        return median(known) if known else None

    def ratio(self, sdk: str, other: str) -> Ratio | None:
        """Of the case's first column, in the runs that both have figures of; None if there is no such run."""
        column = CASES[self.case].columns[0]
        ratios = [
            ours["figures"][column] / theirs["figures"][column]
            for ours, theirs in zip(self.outcomes[sdk], self.outcomes.get(other, ()), strict=False)
            if column in ours.get("figures", ()) and theirs.get("figures", {}).get(column)  # which may be 0
        ]
        if not ratios:
            return None
        if len(ratios) == 1:
            return Ratio(ratios[0], None)
        low, _, high = quantiles(ratios, n=4, method="inclusive")
        return Ratio(median(ratios), (low, high))
