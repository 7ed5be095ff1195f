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
from cases.case import Case, Figures, NotOffered, Setting
from cases.paced import Paced, microseconds, nothing
from sdks import SDKS


async def clock() -> float:
    samples = await Paced(lambda: None, lambda _: None, nothing).run(1000)
    return microseconds([sample.wall for sample in samples])


async def measure(case: Case, setting: Setting) -> dict[str, Figures | float | str]:
    costs = await clock()
    try:
        return {"figures": await case.measure(setting), "clock": costs}
    except NotOffered as reason:
        return {"not_offered": str(reason), "clock": costs}


def run(case: Case, setting: Setting) -> dict[str, Figures | float | str]:
    """In a loop of the case's own, which ends as `asyncio.run` ends its loop."""
    loop = case.loop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(measure(case, setting))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sdk", choices=SDKS)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--sink", required=True, help="where it runs (see sink.py)")
    parser.add_argument("--calls", type=int, default=60, help="how many are measured (default: 60)")
    parser.add_argument("--brief", action="store_true", help="make as few calls as show that everything works")
    arguments = parser.parse_args()
    # What an SDK says of the server's answers is of no interest here, and writing it would be measured.
    logging.getLogger().addHandler(logging.NullHandler())
    setting = Setting(arguments.sdk, arguments.sink, arguments.calls, arguments.brief)
    print(json.dumps(run(CASES[arguments.case], setting)))


if __name__ == "__main__":
    main()
