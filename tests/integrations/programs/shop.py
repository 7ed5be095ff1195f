"""What the shops of all frameworks sell, share and do wrong."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, cast

import asyncsentry

if TYPE_CHECKING:
    from asyncsentry.types import OptionArguments

PATIENCE = 20.0
"""Seconds after which something that is waited for does not come any more."""

logging.basicConfig(level=logging.INFO)  # so that all that servers and frameworks say leaves breadcrumbs


class Broken(Exception):
    """What goes wrong in the shop."""


def options() -> OptionArguments:
    """The options for the set-up of the integration."""
    return cast("OptionArguments", json.loads(os.environ["OPTIONS"]))


def fail_at(stage: str) -> None:
    """Raise, if the program is to fail at this stage: ``startup`` or ``shutdown``."""
    if os.environ.get("FAIL") == stage:
        raise Broken(stage)


def listen() -> socket.socket:
    """A socket on a free port of loopback."""
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def announce(port: int) -> None:
    """Say where the shop is, once it is open."""
    print(f"listening on http://127.0.0.1:{port}\n", end="", flush=True)  # at once: threads of loggers write, too


def fail(what: str) -> None:
    """Raise two calls deep, with something in each call's variables."""
    shelf = {"pears": 3}
    _sell(what, shelf["pears"])


def _sell(what: str, left: int) -> None:
    asked_for = left + 1
    raise Broken(what, asked_for) if asked_for < left else Broken(what)


def fail_in_a_chain() -> None:
    try:
        raise ValueError("cause")
    except ValueError as error:
        raise Broken("chained") from error


def handle() -> None:
    """Capture what was caught."""
    try:
        raise ValueError("handled")
    except ValueError as error:
        asyncsentry.capture_exception(error)


def serve_user(number: str) -> None:
    """Say who is served."""
    asyncsentry.set_tag("number", number)
    asyncsentry.set_user({"id": number})


def fail_for_user(number: str) -> None:
    """Raise for the user who is served, if that is still the one."""
    known = asyncsentry.get_isolation_scope()
    if known.tags != {"number": number} or known.user != {"id": number}:
        raise LookupError(f"{number} is mixed up with {known.user}, {known.tags}")
    raise Broken(f"user {number}")


_waiting: list[asyncio.Future[None]] = []


async def meet(size: int) -> None:
    """Wait until so many requests are in hand at once."""
    here: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    _waiting.append(here)
    if len(_waiting) == size:
        while _waiting:
            _waiting.pop().set_result(None)
    await asyncio.wait_for(here, PATIENCE)


async def time_out() -> None:
    """Give up on something that lasts."""
    try:
        await asyncio.wait_for(asyncio.sleep(PATIENCE), 0.01)
    except asyncio.TimeoutError:
        return
    raise LookupError("nothing timed out")


async def fail_later(what: str) -> None:
    await asyncio.sleep(0)
    fail(what)


def note(where: str) -> None:
    """Know something inside ``where``, and tell it there."""
    asyncsentry.set_tag("where", where)
    asyncsentry.capture_message(f"inside {where}")


async def note_later(where: str) -> None:
    await asyncio.sleep(0)
    note(where)


async def _in_a_gather() -> None:
    await asyncio.gather(note_later("gather"), asyncio.sleep(0))


async def _in_a_wait_for() -> None:
    await asyncio.wait_for(note_later("wait_for"), PATIENCE)


async def _in_a_taskgroup() -> None:
    if sys.version_info >= (3, 11):
        async with asyncio.TaskGroup() as group:
            group.create_task(note_later("taskgroup"))


async def _in_a_thread() -> None:
    await asyncio.to_thread(note, "thread")


async def _in_a_generator() -> None:
    async def steps() -> AsyncIterator[None]:
        yield
        note("generator")

    async for _ in steps():
        await asyncio.sleep(0)


INSIDE: Mapping[str, Callable[[], Awaitable[None]]] = {
    "gather": _in_a_gather,
    "wait_for": _in_a_wait_for,
    "taskgroup": _in_a_taskgroup,
    "thread": _in_a_thread,
    "generator": _in_a_generator,
}
"""Where an asyncio program may come to know something of a request, and that the request's later events say it, too."""
