"""Every promise of the protocol, kept by every transport; and a suite that notices those who break one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from asyncsentry.testing.conformance import check_transport
from asyncsentry.testing.habitats import PATIENCE, AsyncioLoop, CallingThread, Habitat
from asyncsentry.testing.promises import PROMISES, Bench, keep, signal_handlers_capture
from asyncsentry.transport.protocol import Factory, Request, Settle
from asyncsentry_transports.asyncio import AsyncioTransport
from asyncsentry_transports.auto import AutoTransport
from asyncsentry_transports.threaded import ThreadedTransport
from asyncsentry_transports.urllib import UrllibTransport


def uvloop() -> Habitat:
    return AsyncioLoop(import_module("uvloop").run)


class NoLoop(CallingThread):
    """For a style that knows loops and is used without one, until somebody waits."""

    def outcome(self, wait: Callable[[], Any], /) -> bool:
        async def on_loop() -> bool:
            return bool(await wait())

        return asyncio.run(on_loop())


def styles() -> list[Any]:
    """Each transport in its habitat; those whose libraries are installed."""
    pairs: list[tuple[str, Factory[Any], Callable[[], Habitat]]] = [
        ("urllib", UrllibTransport, CallingThread),
        ("threaded", ThreadedTransport, CallingThread),
        ("asyncio", AsyncioTransport, AsyncioLoop),
        ("auto", AutoTransport, AsyncioLoop),
        ("auto-without-a-loop", AutoTransport, NoLoop),
    ]
    if find_spec("uvloop"):
        pairs.append(("asyncio-uvloop", AsyncioTransport, uvloop))
    if find_spec("aiohttp"):
        aiohttp = import_module("asyncsentry_transports.aiohttp").AiohttpTransport
        pairs.append(("aiohttp", aiohttp, AsyncioLoop))
        pairs.extend([("aiohttp-uvloop", aiohttp, uvloop)] if find_spec("uvloop") else [])
    return [pytest.param(factory, habitat, id=name) for name, factory, habitat in pairs]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize(("factory", "habitat"), styles())
def test_keeps(promise: Callable[[Bench], None], factory: Factory[Any], habitat: Callable[[], Habitat]) -> None:
    keep(promise, Bench(factory, habitat(), waits=factory is UrllibTransport))


class Talkative(UrllibTransport):
    """Settles each send twice."""

    def send(self, request: Request, settle: Settle, /) -> None:
        def settle_twice(outcome: Any) -> None:
            settle(outcome)
            settle(outcome)

        super().send(request, settle_twice)


def test_the_suite_passes_a_good_transport() -> None:
    check_transport(ThreadedTransport)


def test_the_suite_names_broken_promises() -> None:
    with pytest.raises(AssertionError, match="each_send_settles_once"):
        check_transport(Talkative, waits=True)


def test_the_suite_may_run_beside_the_main_thread() -> None:
    """Where no signal handler can be set, that one promise is left out."""
    kept: Future[None] = Future()

    def run() -> None:
        keep(signal_handlers_capture, Bench(ThreadedTransport, CallingThread(), waits=False))
        kept.set_result(None)

    threading.Thread(target=run).start()
    kept.result(PATIENCE)
