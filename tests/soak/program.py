"""A busy program: ``python -m soak.program SECONDS ACCOUNTS``. Threads and tasks capture, and now and then it forks.

Each of its processes adds a line to the file ACCOUNTS when all is delivered: what became of what it captured, and what
the process took meanwhile. The first one's is the last, and names all that it forked.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NoReturn

import asyncsentry

TASKS = 200
THREADS = 8
FORK_EVERY = 5.0
"""Seconds."""
LOOK_EVERY = 0.5
PATIENCE = 60.0
"""Seconds for what is left in the end."""

numbers = count()
forked: list[int] = []
"""The children so far."""


def capture() -> None:
    asyncsentry.capture_message(f"{os.getpid()} {next(numbers)}")


def resident() -> int:
    """Bytes of memory."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Use:
    """What the process takes while it works, from when it had run for a quarter of its time on."""

    threads: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    def look(self) -> None:
        self.threads.append(threading.active_count())
        self.files.append(len(os.listdir("/proc/self/fd")))
        self.memory.append(resident())

    def told(self) -> dict[str, int]:
        """By how much the numbers of threads and of files changed, and by how much the memory has grown in the end."""
        late = len(self.memory) // 4
        return {
            "threads": max(self.threads[late:]) - min(self.threads[late:]),
            "files": max(self.files[late:]) - min(self.files[late:]),
            "memory": resident() - self.memory[late],
        }


def settle(accounts: str, use: Use | None = None) -> None:
    """Deliver what is left, and write the account."""
    asyncsentry.flush(PATIENCE)
    account = asyncsentry.get_client().stats()["error"]
    line = {
        "process": os.getpid(),
        "forked": forked,
        "captured": account.captured,
        "delivered": account.delivered,
        "limited": account.limited,
        "lost": sum(account.lost.values()),
        "unknown": account.unknown,
        "left": account.queued + account.in_flight,
        "use": use.told() if use else {},
    }
    with open(accounts, "a", buffering=1, encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


async def task(end: float) -> None:
    while time.monotonic() < end:
        capture()
        await asyncio.sleep(random.uniform(0.5, 2.5))


def in_thread(end: float) -> None:
    while time.monotonic() < end:
        capture()
        time.sleep(random.uniform(0.05, 0.25))


async def fork(end: float, accounts: str) -> None:
    while time.monotonic() < end - FORK_EVERY:
        await asyncio.sleep(FORK_EVERY)
        child = os.fork()
        if not child:
            in_child(accounts)
        forked.append(child)
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            await asyncio.sleep(0.05)
        status = os.waitstatus_to_exitcode(ended[1])
        assert status == 0, f"a child ended with status {status}"


def in_child(accounts: str) -> NoReturn:
    """It leaves by the back door, whatever happens: its copy of the loop is its parent's."""
    status = 1
    try:
        forked.clear()
        for _ in range(3):
            capture()
        settle(accounts)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


async def look(end: float, use: Use) -> None:
    while time.monotonic() < end - LOOK_EVERY:
        use.look()
        await asyncio.sleep(LOOK_EVERY)


async def main(seconds: float, accounts: str) -> None:
    end, use = time.monotonic() + seconds, Use()
    threads = [threading.Thread(target=in_thread, args=(end,)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    await asyncio.gather(look(end, use), fork(end, accounts), *(task(end) for _ in range(TASKS)))
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await asyncsentry.flush_async(PATIENCE)
    settle(accounts, use)


if __name__ == "__main__":
    asyncsentry.init(timeout=1.0, shutdown_timeout=PATIENCE)
    asyncio.run(main(float(sys.argv[1]), sys.argv[2]))
