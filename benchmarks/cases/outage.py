"""A server that takes everything and answers nothing, or that is not there: what a program pays for that."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cases.case import Case, Figures, Setting
from programs import FOLDER, command

COLUMNS: Final = ("each µs", "captures", "RSS +MB", "exit s", "counted %")
UNBOUNDED: Final = 500
"""The most errors for SDKs that keep all of them, some in a thread each."""
SECONDS: Final = 60.0
"""The longest that is captured."""
EXIT_PATIENCE: Final = 30.0
"""Seconds after which a program is killed that does not end."""


async def outage(setting: Setting, url: str) -> Figures:
    errors = setting.amount(20_000, 50)
    if setting.sdk.full_after is None:
        errors = min(errors, UNBOUNDED)
    program = await asyncio.create_subprocess_exec(
        *command("failing", setting.name, url, str(errors), str(SECONDS)),
        cwd=FOLDER,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert program.stdout is not None
    told = json.loads(await program.stdout.readline())
    loop = asyncio.get_running_loop()
    begun = loop.time()
    try:
        last, _ = await asyncio.wait_for(program.communicate(), EXIT_PATIENCE)
    except asyncio.TimeoutError:
        program.kill()
        last, _ = await program.communicate()
    figures = {
        "each µs": told["cost"] / told["captured"] / 1000,
        "captures": told["captured"],
        "exit s": loop.time() - begun,
    }
    if told["grown"] is not None:
        figures["RSS +MB"] = told["grown"]
    for line in last.splitlines():
        if line.startswith(b'{"counted"'):  # and not what the SDK itself has to say
            figures["counted %"] = 100 * json.loads(line)["counted"] / (told["captured"] + 1)
    return figures


async def hanging(setting: Setting) -> Figures:
    return await outage(setting, setting.url)


@contextmanager
def nobody() -> Iterator[str]:
    """The address of a port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


async def down(setting: Setting) -> Figures:
    with nobody() as url:
        return await outage(setting, url)


UNIT: Final = f"exit: {EXIT_PATIENCE:.0f} s are a program that had to be killed"

OUTAGE: Final = {
    "hanging": Case("up to 20,000 errors, mid, while the server hangs", hanging, COLUMNS, UNIT, sink=("--hang",)),
    "down": Case("up to 20,000 errors, mid, while the server is down", down, COLUMNS, UNIT),
}
