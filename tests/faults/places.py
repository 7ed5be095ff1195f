"""Where a program's work runs: in its only thread, on one of the loops, on a hub, on a reactor.

A piece of work is a coroutine function that is given how to pause there. Nothing is imported before it is needed: a
program that is to be patched has to be patched first.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

Pause = Callable[[float], Awaitable[object]]
Work = Callable[[Pause], Coroutine[Any, Any, None]]
Run = Callable[[Work], None]


def prepare(place: str) -> None:
    """What has to be done before anything else is imported."""
    if place == "gevent":
        from gevent import monkey

        monkey.patch_all()
    elif place == "eventlet":
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is deprecated
            import eventlet

        eventlet.monkey_patch()


def settle_in(place: str) -> None:
    """What a forked child has to do, by the library's own rules."""
    if place == "eventlet":
        import eventlet.hubs

        eventlet.hubs.use_hub()


def in_thread(work: Work) -> None:
    """Nothing ever suspends: a pause sleeps. In a patched program that is where other greenlets run."""

    async def pause(seconds: float) -> None:
        time.sleep(seconds)

    try:
        work(pause).send(None)
    except StopIteration:
        return
    raise AssertionError("work suspended where there is no loop")


def on_asyncio(work: Work) -> None:
    import asyncio

    asyncio.run(work(asyncio.sleep), debug=False)  # as programs run, though the interpreter is in its development mode


def on_uvloop(work: Work) -> None:
    import asyncio

    import uvloop

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    on_asyncio(work)


def on_trio(work: Work) -> None:
    import trio

    trio.run(work, trio.sleep)


def on_twisted(work: Work) -> None:
    """The reactor's end is the program's: it can't be run a second time."""
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred
    from twisted.internet.task import deferLater, react

    def pause(seconds: float) -> Deferred[None]:
        return deferLater(reactor, seconds)

    try:
        react(lambda _: Deferred.fromCoroutine(work(pause)))
    except SystemExit as end:
        if end.code:
            raise


RUN: dict[str, Run] = {
    "thread": in_thread,
    "gevent": in_thread,
    "eventlet": in_thread,
    "asyncio": on_asyncio,
    "uvloop": on_uvloop,
    "trio": on_trio,
    "twisted": on_twisted,
}


def runner(place: str) -> Run:
    """What runs work in this place."""
    return RUN[place]
