"""What capturing adds to a request: to one that is answered, and to one that fails.

Two servers, with the SDK and without any, are asked in turns, one request at a time, by a client on another core. Time
is that until the answer is there, connecting not counted; CPU is the server's, all of its threads, sending included.
Nothing fails before all requests are made that do not.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
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
PAIRS: Final = 3
"""How often both servers are started anew: two processes of one program differ."""
CORES: Final = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
"""The servers, with all their threads, are kept to the last, and the client to the first, where that can be said:
whether they happen to run apart or together makes more of a difference than an SDK does. The sink runs on either."""
CONNECTION_PATIENCE: Final = 30.0
"""Seconds for an answer."""
KEEPS_MEMORY: Final = {"MALLOC_MMAP_THRESHOLD_": str(2**24), "MALLOC_TRIM_THRESHOLD_": str(2**24)}
"""Otherwise glibc may take asyncio's buffer of 256 KB from the system anew at each request, depending on what the
process freed before; that takes half as long as all else."""
COLUMNS: Final = ("fail", "hello", "fail CPU", "hello CPU", "bare fail", "bare hello")


class Visitor:
    """What one server is asked, one request after another. It blocks: little else must run that could be measured."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: socket.socket | None = None
        self.times: dict[str, list[int]] = {path: [] for path in BATCHES}
        """Nanoseconds for each request."""
        self.cpu: dict[str, list[float]] = {path: [] for path in BATCHES}
        """Nanoseconds for one of each batch."""

    def connected(self) -> socket.socket:
        """A connection, which is made if there is none: a server may close it after each answer."""
        if self._connection is None:
            self._connection = socket.create_connection(("127.0.0.1", self._port), CONNECTION_PATIENCE)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ask(self, path: str) -> bytes:
        connection = self.connected()
        connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        head, end, body = b"", b"", b""
        while not end:
            head, end, body = _more(connection, head).partition(b"\r\n\r\n")
        head = head.lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body = _more(connection, body)
        if b"connection: close" in head or path == FAIL:  # after which some hang up without a word
            self.close()
        return body

    def visit(self, path: str) -> None:
        """Ask for a batch, and note what that takes."""
        spent = float(self.ask("spent"))
        for _ in range(BATCHES[path]):
            self.connected()
            begun = time.perf_counter_ns()
            self.ask(path)
            self.times[path].append(time.perf_counter_ns() - begun)
        self.cpu[path].append((float(self.ask("spent")) - spent) / BATCHES[path])


def _more(connection: socket.socket, known: bytes) -> bytes:
    received = connection.recv(65536)
    assert received, "the server hung up"
    return known + received


def _keep_to(cores: list[int]) -> None:
    """This thread, and what it starts from now on."""
    if cores:
        os.sched_setaffinity(0, cores)


@asynccontextmanager
async def server(framework: str, sdk: str, url: str) -> AsyncIterator[Visitor]:
    """One that runs, and is warm."""
    _keep_to(CORES[-1:])
    program = await asyncio.create_subprocess_exec(
        *command(f"web_{framework}", sdk, url),
        cwd=FOLDER,
        env={**os.environ, **KEEPS_MEMORY},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        _keep_to(CORES[:1])
        assert program.stdout is not None
        port = int(await program.stdout.readline())
        with closing(Visitor(port)) as visitor:
            for _ in range(WARM_UP):
                visitor.ask(HELLO)
            yield visitor
    finally:
        _keep_to(CORES)
        program.kill()
        await program.wait()


async def compare(setting: Setting, framework: str, batches: int) -> dict[str, float]:
    """What two fresh servers differ in: for each column the microseconds."""
    async with server(framework, setting.name, setting.url) as ours, server(framework, NONE, setting.url) as bare:
        for path in BATCHES:
            if path == FAIL:
                for _ in range(WARM_UP):
                    ours.ask(path)
                    bare.ask(path)
            for _ in range(batches):
                ours.visit(path)
                bare.visit(path)
    found: dict[str, float] = {}
    for path in BATCHES:
        without = median(bare.times[path]) / 1000
        added = [mine - its for mine, its in zip(ours.cpu[path], bare.cpu[path], strict=True)]
        found |= {path: median(ours.times[path]) / 1000 - without, f"{path} CPU": median(added) / 1000}
        found[f"bare {path}"] = without
    return found


async def measure(setting: Setting, framework: str) -> Figures:
    pairs, batches = setting.amount(PAIRS, 1), setting.amount(5, 1)
    before = count(setting)
    found = [await compare(setting, framework, batches) for _ in range(pairs)]
    has_arrived(setting, before, pairs * (WARM_UP + BATCHES[FAIL] * batches))
    return {column: median(each[column] for each in found) for column in COLUMNS}


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
