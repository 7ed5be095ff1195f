"""eventlet's hubs: what is common to hubs, and eventlet's own resolver."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import eventlet
import eventlet.hubs
import eventlet.tpool
import pytest
from eventlet.support import greendns

from asyncsentry.testing import LocalSentry
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.eventlet import EventletTransport
from transports.green_hubs import *  # noqa: F403  # the tests, and their fixtures
from transports.green_hubs import Kit, only
from transports.places.eventlet_hub import EventletHub, sleep
from transports.style import PATIENCE, Traffic, done, event_request

# Any: it has no types.
hubs: Any = eventlet.hubs
tpool: Any = eventlet.tpool


def end_hub() -> None:
    tpool.killall()  # its threads are bound to this hub
    hubs.use_hub()


@pytest.fixture
def kit() -> Kit:
    return Kit(
        EventletTransport,
        EventletHub,
        hub=hubs.get_hub,
        has_hub=lambda: hasattr(hubs._threadlocal, "hub"),
        end_hub=end_hub,
        spawn=eventlet.spawn,
        result=lambda green_thread: green_thread.wait(),
        kind=eventlet.greenthread.GreenThread,
        sleep=sleep,
        pool=tpool.execute,
    )


@pytest.mark.filterwarnings("ignore:please use dns.resolver:DeprecationWarning")  # eventlet should
def test_a_look_up_that_takes_long_is_cut_short(tmp_path: Path) -> None:
    """Though eventlet's own resolver goes on to the next name server whatever happens."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\nnameserver 127.0.0.2\n")
    usual: Any = greendns.resolver
    green: Any = greendns.ResolverProxy(filename=str(tmp_path / "resolv.conf"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        green._resolver.port = silent.getsockname()[1]
        greendns.resolver = green
        try:
            transport = EventletTransport(Settings("http://sentry.example.com/", timeout=0.2))
            with LocalSentry() as server:
                traffic = Traffic(transport, [event_request(server)])
            assert transport.later(0.0, traffic.turn)
            assert transport.wait(traffic.settled, PATIENCE)
            assert isinstance(only(traffic).error, TimeoutError)
            assert not only(traffic).sent
            assert transport.close(done(), PATIENCE)
        finally:
            greendns.resolver = usual
