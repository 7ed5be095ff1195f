"""A program around which something goes wrong: ``python -m faults.program SDK CASE PLACE FOLDER OPTIONS``.

SDK is ``asyncsentry`` or another module with the same names; CASE is one of the functions below. Each process of the
program adds a line to the file ``accounts`` in FOLDER, when the SDK's own end is over: what became of what it captured.
"""

from __future__ import annotations

import sys

from faults import places
from faults.places import Run

SDK, CASE, PLACE, FOLDER, OPTIONS = sys.argv[1:]
places.prepare(PLACE)

import atexit  # noqa: E402  # patching comes first
import json  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import threading  # noqa: E402
from importlib import import_module  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

OURS = SDK == "asyncsentry"
BLOCKING = os.environ["SENTRY_DSN"].startswith(("urllib+", "requests+"))
SPOOL = "spool"

captured: list[str] = []
"""What this process captured."""
os.register_at_fork(after_in_child=captured.clear)


def spooled() -> int:
    folders = os.walk(Path(FOLDER) / SPOOL)  # which come and go meanwhile
    return sum(name.endswith(".envelope") for _, _, names in folders for name in names)


LEFT_BEHIND = spooled()
"""What a program that ran before has captured, and this one is to deliver."""


@atexit.register  # before the SDK is imported, so it is called after the SDK's own end
def write_accounts() -> None:
    counted = left = 0
    if OURS:
        account = sdk.get_client().stats()["error"]
        counted = account.limited + sum(account.lost.values()) + account.unknown
        left = account.queued + account.in_flight
        assert account.captured == len(captured) + LEFT_BEHIND
    write(counted, left)


def write(counted: int = 0, left: int = 0) -> None:
    """As one write, which no other process's can get into."""
    with (Path(FOLDER) / "accounts").open("a", buffering=1, encoding="utf-8") as file:
        file.write(json.dumps({"captured": len(captured), "counted": counted, "left": left}) + "\n")


sdk: Any = import_module(SDK)


def capture(name: str, count: int) -> None:
    for number in range(count):
        captured.append(f"{name} {number}")
        sdk.capture_message(captured[-1])


def under_way() -> bool:
    if not OURS:
        sdk.flush(timeout=20)
        return False
    account = sdk.get_client().stats()["error"]
    return bool(account.queued + account.in_flight)


async def until_told(pause: places.Pause) -> None:
    """Say that this program is so far, and go on when it is told to."""
    (Path(FOLDER) / "ready").touch()
    while not (Path(FOLDER) / "go").exists():
        await pause(0.01)


# -- cases


def a_few(run: Run) -> None:
    async def work(pause: places.Pause) -> None:
        for number in range(5):
            capture(str(number), 1)
            await pause(0.02)

    run(work)


def at_once(run: Run) -> None:
    async def work(pause: places.Pause) -> None:
        capture("at once", 20)

    run(work)


def burst(run: Run) -> None:
    async def work(pause: places.Pause) -> None:
        capture("burst", 2000)

    run(work)


def crash(run: Run) -> None:
    async def work(pause: places.Pause) -> None:
        capture("before", 3)
        captured.append("the crash")
        raise ZeroDivisionError

    run(work)


def threads(run: Run) -> None:
    async def work(pause: places.Pause) -> None:
        started = [threading.Thread(target=capture, args=(f"thread {number}", 25)) for number in range(8)]
        for thread in started:
            thread.start()
        while any(thread.is_alive() for thread in started):
            await pause(0.01)

    run(work)


def runs(run: Run) -> None:
    async def work(pause: places.Pause) -> None:
        capture("during", 2)
        await pause(0.01)
        capture("at the end", 2)

    capture("before", 1)
    for _ in range(3):
        run(work)
        capture("after", 1)


def last_words(run: Run) -> None:
    async def work(pause: places.Pause) -> None:
        capture("work", 1)

    atexit.register(capture, "the last", 2)
    run(work)


def interrupted(run: Run) -> None:
    async def work(pause: places.Pause) -> None:
        try:
            capture("before", 3)
            os.kill(os.getpid(), signal.SIGINT)
            await pause(20)
        finally:
            capture("cleaning up", 2)

    try:
        run(work)
    except KeyboardInterrupt:
        capture("after", 1)


def terminated(run: Run) -> None:
    """Nobody will ask what has become of it: what arrives shows it."""

    async def work(pause: places.Pause) -> None:
        capture("before", 5)
        write()
        os.kill(os.getpid(), signal.SIGTERM)
        await pause(20)

    run(work)


def cancelled(run: Run) -> None:
    """On asyncio alone."""
    import asyncio

    async def victim() -> None:
        try:
            await asyncio.sleep(20)
        finally:
            capture("cancelled", 1)

    async def work(pause: places.Pause) -> None:
        tasks = [asyncio.create_task(victim()) for _ in range(5)]
        await pause(0.01)
        tasks[0].cancel()
        capture("main", 1)

    run(work)


def closed(run: Run) -> None:
    """On asyncio alone: nobody winds the loop up."""
    import asyncio

    async def work() -> None:
        capture("in flight", 3)
        await asyncio.sleep(0.05)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(work())
    loop.close()
    capture("after", 1)


def forks(run: Run) -> None:
    """Children in the middle of a loop have to leave by the back door."""

    async def work(pause: places.Pause) -> None:
        capture("parent", 3)
        children = []
        for number in range(3):
            child = os.fork()
            if not child:
                places.settle_in(PLACE)
                capture(f"child {number}", 3)
                sdk.flush(timeout=20)
                write_accounts()
                os._exit(0)
            children.append(child)
            capture(f"parent, after {number}", 1)
            await pause(0.01)
        for child in children:
            while not os.waitpid(child, os.WNOHANG)[0]:
                await pause(0.01)

    run(work)


def processes(run: Run, *, method: str = "fork") -> None:
    """Of `multiprocessing`, begun where there is no loop."""
    import multiprocessing

    async def work(pause: places.Pause) -> None:
        capture("before", 2)

    run(work)
    context = multiprocessing.get_context(method)
    children = [context.Process(target=in_process, args=(number,)) for number in range(3)]  # type: ignore[attr-defined]
    for child in children:
        child.start()
    for child in children:
        child.join()
    capture("after", 1)


def spawned(run: Run) -> None:
    processes(run, method="spawn")


def pool(run: Run) -> None:
    from concurrent.futures import ProcessPoolExecutor

    async def work(pause: places.Pause) -> None:
        capture("before", 2)

    run(work)
    with ProcessPoolExecutor(2) as executor:
        list(executor.map(in_pool, range(6)))
    capture("after", 1)


def in_process(number: int) -> None:
    prepare_child()
    capture(f"process {number}", 2)


def in_pool(number: int) -> None:
    if not captured:
        prepare_child()
    capture(f"job {number}", 1)


def prepare_child() -> None:
    """Forked ones never call what `atexit` knows, and spawned ones know nothing of the client."""
    from multiprocessing.util import Finalize

    atexit.unregister(write_accounts)
    if not sdk.is_initialized():
        sdk.init(**json.loads(OPTIONS))
    Finalize(None, write_accounts, exitpriority=-1000)  # after the SDK's


def second_thread(run: Run) -> None:
    """A loop in a thread of its own, beside the main thread's and when that has ended."""

    async def other(pause: places.Pause) -> None:
        capture("in the thread", 1)
        await pause(0.05)
        capture("in the thread, later", 1)

    async def work(pause: places.Pause) -> None:
        thread.start()
        capture("main", 1)
        await pause(0.01)

    thread = threading.Thread(target=run, args=(other,))
    run(work)
    thread.join()
    again = threading.Thread(target=run, args=(other,))
    again.start()
    again.join()
    capture("after", 1)


def interlude(run: Run) -> None:
    """Meanwhile, something happens to the server."""

    async def work(pause: places.Pause) -> None:
        capture("before", 2)
        await until_told(pause)
        capture("after", 3)
        await pause(0.05)

    run(work)


def idleness(run: Run) -> None:
    """The same, when all that was captured is settled."""

    async def work(pause: places.Pause) -> None:
        capture("before", 2)
        while under_way():
            await pause(0.01)
        await until_told(pause)
        capture("after", 3)
        await pause(0.05)

    run(work)


def killed(run: Run) -> None:
    """Nothing of it is left but its spool."""

    async def work(pause: places.Pause) -> None:
        capture("before", 5)
        while spooled() < 5:
            await pause(0.01)
        write()
        os.kill(os.getpid(), signal.SIGKILL)

    run(work)


def restart(run: Run) -> None:
    """After a program that was killed; meanwhile the server comes up."""

    async def work(pause: places.Pause) -> None:
        await until_told(pause)
        capture("after", 1)
        while spooled():
            if BLOCKING:  # no timer sends again what failed before
                sdk.flush(timeout=20)
            await pause(0.01)

    run(work)


def flood(run: Run) -> None:
    async def work(pause: places.Pause) -> None:
        capture("flood", 1000)

    run(work)


if __name__ == "__main__":
    os.chdir(FOLDER)  # where a spool may be
    sdk.init(**json.loads(OPTIONS))
    globals()[CASE](places.runner(PLACE))
