"""A server that hangs, and twenty thousand captures: what they cost is bounded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asyncsentry.testing import Answer, Hang, LocalSentry
from delivery.programs import run

MEBIBYTE = 1024 * 1024
MOST = 24 * MEBIBYTE
"""The queue's sixteen, and half as much again for what holds it together."""

PROGRAM = """
import asyncio, json

def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def fail(number):
    order = {"number": number, "guests": ["ada", "grace"], "note": "a table by the window " * 5}
    raise LookupError(f"no table for order {number}")

async def main():
    asyncsentry.init(shutdown_timeout=0)
    for number in range(100):
        try:
            fail(number)
        except LookupError as error:
            asyncsentry.capture_exception(error)
    await asyncio.sleep(0.5)
    before, tasks, threads = resident(), len(asyncio.all_tasks()), threading.active_count()
    for number in range(20_000):
        try:
            fail(number)
        except LookupError as error:
            asyncsentry.capture_exception(error)
        if number % 100 == 0:
            await asyncio.sleep(0)
    more = {
        "memory": resident() - before,
        "tasks": len(asyncio.all_tasks()) - tasks,
        "threads": threading.active_count() - threads,
    }
    print(json.dumps(more), file=sys.stderr, flush=True)

asyncio.run(main())
os._exit(0)
"""


@pytest.mark.parametrize("transport", ["asyncio", "threaded"])
def test_a_server_that_hangs_costs_a_bounded_memory_and_no_task_or_thread_for_each_event(
    tmp_path: Path, sentry: LocalSentry, transport: str
) -> None:
    sentry.always(Hang())
    more = json.loads(run(tmp_path, sentry, PROGRAM, transport=transport, measured=False))
    assert more["memory"] <= MOST
    assert more["tasks"] <= 0
    assert more["threads"] <= 0


OUTAGE = """
import asyncio

LARGE = 500_000  # bytes that may wait: not a dozen of these events, as they are made

def fail(number):
    rows = [{"number": number, "name": f"row {row}", "state": "open"} for row in range(10)]
    lines, parts = [dict(row) for row in rows], [dict(row) for row in rows]
    raise LookupError(f"no table for order {number} among {len(rows)}")

def capture(number):
    try:
        fail(number)
    except LookupError as error:
        asyncsentry.capture_exception(error)

async def main():
    client = asyncsentry.init(queue_bytes=LARGE, flood_limit=0, shutdown_timeout=30)
    for number in range(60):
        capture(number)
        await asyncio.sleep(0.02)
    print(client.stats()["error"].lost, file=sys.stderr)

asyncio.run(main())
"""


def test_an_outage_leaves_room_for_many_more_than_there_is_for_events_as_they_are_made(
    tmp_path: Path, sentry: LocalSentry
) -> None:
    sentry.answer(*[Answer(503, headers={"Retry-After": "2"})] * 4)
    lost = run(tmp_path, sentry, OUTAGE, transport="asyncio", measured=False)
    assert lost == "{}\n"
    arrived = {event["exception"]["values"][-1]["value"].split()[4] for event in sentry.events}
    assert arrived == {str(number) for number in range(60)}
