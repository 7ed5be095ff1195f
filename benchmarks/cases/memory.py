"""The memory that an SDK takes to be set up, and for the first event."""

from __future__ import annotations

import asyncio
import json
from typing import Final

from cases.case import Case, Figures, NotOffered, Setting
from programs import FOLDER, command


async def weigh(setting: Setting) -> list[float]:
    program = await asyncio.create_subprocess_exec(
        *command("weighing", setting.name, setting.url), cwd=FOLDER, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await program.communicate()
    weights: list[float] = json.loads(told)
    return weights


async def measure(setting: Setting) -> Figures:
    await weigh(setting)  # so that all is compiled
    start, ready, sent = await weigh(setting)
    if start is None:
        raise NotOffered("this system does not tell how much memory is in use")
    return {"all": sent - start, "set up": ready - start, "first event": sent - ready, "without": start}


MEMORY: Final = {
    "memory": Case(
        "the memory that import, init and the first event take, mid",
        measure,
        ("all", "set up", "first event", "without"),
        unit="MB of RSS; without: the process before",
    )
}
