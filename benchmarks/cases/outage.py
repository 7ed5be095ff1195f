"""A server that takes everything and answers nothing, or is not there any more: what a program pays for that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

from cases.case import Case, Figures, Setting
from programs import FOLDER, command
from sink import Sink, hang

COLUMNS: Final = ("each µs", "before µs", "captures", "RSS +MB", "exit s", "counted %")
UNBOUNDED: Final = 500
"""The most errors for SDKs that keep all of them, some in a thread each."""
SECONDS: Final = 60.0
"""The longest that is captured."""
EXIT_PATIENCE: Final = 30.0
"""Seconds after which a program is killed that does not end."""


async def outage(setting: Setting, fail: Callable[[Sink], None]) -> Figures:
    """A program whose server answers at first, and not any more after ``fail``."""
    errors = setting.amount(20_000, 50)
    if setting.sdk.full_after is None:
        errors = min(errors, UNBOUNDED)
    loop = asyncio.get_running_loop()
    with Sink() as sink:
        program = await asyncio.create_subprocess_exec(
            *command("failing", setting.name, sink.url, str(setting.calls), str(errors), str(SECONDS)),
            cwd=FOLDER,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert program.stdin is not None
        assert program.stdout is not None
        before = json.loads(await program.stdout.readline())
        fail(sink)
        program.stdin.write(b"\n")
        told = json.loads(await program.stdout.readline())
        begun = loop.time()
        try:
            last, _ = await asyncio.wait_for(program.communicate(), EXIT_PATIENCE)
        except asyncio.TimeoutError:
            program.kill()
            last, _ = await program.communicate()
        ended = loop.time()
    figures = {
        "each µs": _each(told),
        "before µs": _each(before),
        "captures": told["captured"],
        "exit s": ended - begun,
    }
    if told["grown"] is not None:
        figures["RSS +MB"] = told["grown"]
    for line in last.splitlines():
        if line.startswith(b'{"counted"'):  # and not what the SDK itself has to say
            figures["counted %"] = 100 * json.loads(line)["counted"] / told["captured"]
    return figures


def _each(told: dict[str, Any]) -> float:
    """Microseconds."""
    each: float = told["cost"] / told["captured"] / 1000
    return each


async def hanging(setting: Setting) -> Figures:
    return await outage(setting, lambda sink: hang(sink.url))


async def down(setting: Setting) -> Figures:
    return await outage(setting, Sink.stop)


UNIT: Final = f"before: while the server answered; exit: {EXIT_PATIENCE:.0f} s are a program that had to be killed"

OUTAGE: Final = {
    "hanging": Case("up to 20,000 errors, mid, while the server hangs", hanging, COLUMNS, UNIT),
    "down": Case("up to 20,000 errors, mid, while the server is down", down, COLUMNS, UNIT),
}
