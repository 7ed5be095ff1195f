"""A bar chart of one case as SVG: its first column, a bar for each SDK, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from cases import CASES
from results import Results
from sdks import label
from table import number

WIDTH: Final = 760
NAMES: Final = 220
"""Of the width, for the SDKs' names."""
NUMBERS: Final = 110
"""Of the width, for the figures behind the bars."""
HEAD: Final = 62
ROW: Final = 28
BAR: Final = 18
OURS: Final = "asyncsentry"
"""With what this begins is in another colour."""

STYLE: Final = """
text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 16px }
.small { font-size: 12px; fill: #59636e }
.bar { fill: #a8b1bb }
.ours { fill: #0f7b6c }
.limit { fill: none; stroke: #59636e; stroke-dasharray: 3 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .small { fill: #9198a1 }
  .bar { fill: #59636e }
  .ours { fill: #3fb8a5 }
  .limit { stroke: #9198a1 }
}
"""


def draw(results: Results) -> str:
    """The whole file."""
    case = CASES[results.case]
    column = case.columns[0]
    found = {sdk: results.figure(sdk, column) for sdk in results.outcomes if results.without_figures(sdk) is None}
    figures = {sdk: figure for sdk, figure in found.items() if figure is not None}
    height = HEAD + ROW * len(figures) + 10
    runs = "1 run" if results.runs == 1 else f"{results.runs} runs"
    below = f"{column}, {case.unit}: the median of {runs}; {'longer' if case.more_is_better else 'shorter'} is better"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(case.told)}</title>",
        f"<style>{STYLE}</style>",
        f'<text class="title" x="12" y="24">{escape(case.told)}</text>',
        f'<text class="small" x="12" y="44">{escape(below)}</text>',
        *_bars(figures),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bars(figures: dict[str, float]) -> Iterator[str]:
    longest = max([0.001, *figures.values()])
    room = WIDTH - NAMES - NUMBERS
    for row, (sdk, figure) in enumerate(figures.items()):
        top = HEAD + ROW * row
        length = max(1.0, room * figure / longest)
        kind = "bar ours" if sdk.startswith(OURS) else "limit" if sdk == "floor" else "bar"
        middle = top + BAR - 4
        yield f'<text x="{NAMES - 8}" y="{middle}" text-anchor="end">{escape(label(sdk))}</text>'
        yield f'<rect class="{kind}" x="{NAMES}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2"/>'
        yield f'<text x="{NAMES + length + 8:.1f}" y="{middle}">{number(figure)}</text>'
