"""What the small calls cost: messages, breadcrumbs, and log records that an SDK looks at."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import count
from typing import Final

from cases.case import Case, Figures, NotOffered, Setting
from cases.paced import COLUMNS, Paced, microseconds, nothing
from cases.sending import sending
from sdks import NONE

MANY: Final = 10
"""So many times more calls than of the larger ones."""


async def message(setting: Setting) -> Figures:
    sdk = setting.sdk
    if sdk.capture_message is None:
        raise NotOffered("no messages")
    setting.begin("on")
    number = count()
    return await sending(setting, lambda: f"message {next(number)}", sdk.capture_message)


async def breadcrumb(setting: Setting) -> Figures:
    """With a hundred of them there already, which is the most that SDKs keep."""
    sdk = setting.sdk
    if sdk.add_breadcrumb is None:
        raise NotOffered("no breadcrumbs")
    setting.begin("on")
    number = count()
    paced = Paced(lambda: f"breadcrumb {next(number)}", sdk.add_breadcrumb, nothing)
    await paced.run(100)
    warm = await paced.run(setting.calls * MANY)
    return {"warm": microseconds([sample.wall for sample in warm])}


async def log_record(setting: Setting) -> Figures:
    """``logger.info`` before and after ``init``, with whatever the SDK hooks in by itself; and ``logger.debug``, below
    the level, after it.
    """
    if setting.name != NONE and not setting.sdk.watches_logging:
        raise NotOffered("it does not look at log records by itself")
    logger = logging.getLogger("bench")
    logger.setLevel(logging.INFO)
    logger.addHandler(logging.NullHandler())

    async def cost(log: Callable[[str, int], None]) -> float:
        paced = Paced(lambda: 17, lambda number: log("order %s", number), nothing)
        await paced.run(100)
        return microseconds([sample.wall for sample in await paced.run(setting.calls * MANY)])

    bare = await cost(logger.info)
    if setting.name == NONE:
        return {"bare": bare, "disabled": await cost(logger.debug)}
    setting.begin("on")
    hooked = await cost(logger.info)
    return {"added": hooked - bare, "hooked": hooked, "bare": bare, "disabled": await cost(logger.debug)}


SMALL: Final = {
    "message": Case("capture of a message", message, COLUMNS),
    "breadcrumb": Case("a breadcrumb", breadcrumb, ("warm",)),
    "log": Case(
        "a log record of level INFO; disabled: one below the level",
        log_record,
        ("added", "hooked", "bare", "disabled"),
        bare=True,
    ),
}
