"""What capturing adds to a request: to one that is answered, and to one that fails.

Two servers, with the SDK and without any, are asked in turns, one request at a time. Time is that until the answer is
there, connecting not counted; CPU is the server's, all of its threads, sending included. Nothing fails before all
requests are made that do not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Final

from cases.arrival import count, has_arrived
from cases.case import Case, Figures, NotOffered, Setting
from programs import FOLDER, command
from sdks import NONE, SDKS

WARM_UP: Final = 20
HELLO: Final = "hello"
FAIL: Final = "fail"
BATCHES: Final = {HELLO: 200, FAIL: 20}
"""So many requests to one server before the other has its turn: what adds little is lost in the noise of few."""
COLUMNS: Final = ("fail", "hello", "fail CPU", "hello CPU", "bare fail", "bare hello")


class Visitor:
    """What one server is asked, one request after another."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.times: dict[str, list[int]] = {path: [] for path in BATCHES}
        """Nanoseconds for each request."""
        self.cpu: dict[str, list[float]] = {path: [] for path in BATCHES}
        """Nanoseconds for one of each batch."""

    async def connect(self) -> None:
        """If there is no connection: a server may close it after each answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)

    async def ask(self, path: str) -> bytes:
        await self.connect()
        assert self._streams is not None
        reader, writer = self._streams
        writer.write(f"GET /{path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        if b"connection: close" in head or path == FAIL:  # after which some hang up without a word
            writer.close()
            self._streams = None
        return body

    async def visit(self, path: str) -> None:
        """Ask for a batch, and note what that takes."""
        spent = float(await self.ask("spent"))
        for _ in range(BATCHES[path]):
            await self.connect()
            begun = time.perf_counter_ns()
            await self.ask(path)
            self.times[path].append(time.perf_counter_ns() - begun)
        self.cpu[path].append((float(await self.ask("spent")) - spent) / BATCHES[path])


@asynccontextmanager
async def server(framework: str, sdk: str, url: str) -> AsyncIterator[Visitor]:
    """One that runs, and is warm."""
    program = await asyncio.create_subprocess_exec(
        *command(f"web_{framework}", sdk, url), cwd=FOLDER, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert program.stdout is not None
        port = int(await program.stdout.readline())
        visitor = Visitor(port)
        for _ in range(WARM_UP):
            await visitor.ask(HELLO)
        yield visitor
    finally:
        program.kill()
        await program.wait()


async def measure(setting: Setting, framework: str) -> Figures:
    batches = setting.amount(20, 1)
    before = count(setting)
    async with server(framework, setting.name, setting.url) as ours, server(framework, NONE, setting.url) as bare:
        for path in BATCHES:
            if path == FAIL:
                for _ in range(WARM_UP):
                    await ours.ask(path)
                    await bare.ask(path)
            for _ in range(batches):
                await ours.visit(path)
                await bare.visit(path)
    has_arrived(setting, before, WARM_UP + BATCHES[FAIL] * batches)
    figures: Figures = {}
    for path in BATCHES:
        without = median(bare.times[path]) / 1000
        figures[path] = median(ours.times[path]) / 1000 - without
        added = [mine - its for mine, its in zip(ours.cpu[path], bare.cpu[path], strict=True)]
        figures[f"{path} CPU"] = median(added) / 1000
        figures[f"bare {path}"] = without
    return figures


async def on_aiohttp(setting: Setting) -> Figures:
    return await measure(setting, "aiohttp")


async def on_starlette(setting: Setting) -> Figures:
    return await measure(setting, "starlette")


async def on_flask(setting: Setting) -> Figures:
    if SDKS[setting.name].needs_loop:
        raise NotOffered("it sends on asyncio, which is not there")
    return await measure(setting, "flask")


UNIT: Final = "µs added; bare: all of it, without an SDK"

WEB: Final = {
    "web-aiohttp": Case("requests to aiohttp that fail, and that do not", on_aiohttp, COLUMNS, UNIT),
    "web-starlette": Case("requests to Starlette that fail, and that do not", on_starlette, COLUMNS, UNIT),
    "web-flask": Case("requests to Flask that fail, and that do not", on_flask, COLUMNS, UNIT),
}
