"""Every promise of the protocol, kept by every transport; and a suite that notices those who break one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from asyncsentry.testing.bench import Bench
from asyncsentry.testing.conformance import check_transport
from asyncsentry.testing.habitats import PATIENCE, CallingThread
from asyncsentry.testing.promises import PROMISES, keep, signal_handlers_capture
from asyncsentry.transport.protocol import Request, Settle
from asyncsentry_transports.threaded import ThreadedTransport
from asyncsentry_transports.urllib import UrllibTransport
from transports.style import Style


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_keeps(promise: Callable[[Bench], None], style: Style) -> None:
    keep(promise, Bench(style.make, style.habitat(), waits=style.in_place, reuses=style.keeps_connections))


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
        keep(signal_handlers_capture, Bench(ThreadedTransport, CallingThread()))
        kept.set_result(None)

    threading.Thread(target=run).start()
    kept.result(PATIENCE)
