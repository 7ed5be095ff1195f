"""Measure one case on one SDK, in this process: ``python benchmarks/measure.py SDK CASE --sink URL`` prints JSON.

It is one of ``figures``, by column, or ``not_offered``, the reason why the SDK has nothing to measure here. ``clock``
is what taking the time costs, in microseconds: that much is in each figure of wall time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging

from cases import CASES
from cases.case import Figures, NotOffered, Setting
from cases.paced import Paced, microseconds, nothing
from sdks import SDKS, load


async def clock() -> float:
    samples = await Paced(lambda: None, lambda _: None, nothing).run(1000)
    return microseconds([sample.wall for sample in samples])


async def measure(sdk: str, case: str, url: str, calls: int) -> dict[str, Figures | float | str]:
    costs = await clock()
    try:
        return {"figures": await CASES[case].measure(Setting(load(sdk), url, calls)), "clock": costs}
    except NotOffered as reason:
        return {"not_offered": str(reason), "clock": costs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sdk", choices=SDKS)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--sink", required=True, help="where it runs (see sink.py)")
    parser.add_argument("--calls", type=int, default=60, help="how many are measured (default: 60)")
    arguments = parser.parse_args()
    # What an SDK says of the server's answers is of no interest here, and writing it would be measured.
    logging.getLogger().addHandler(logging.NullHandler())
    print(json.dumps(asyncio.run(measure(arguments.sdk, arguments.case, arguments.sink, arguments.calls))))


if __name__ == "__main__":
    main()
