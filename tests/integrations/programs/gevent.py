"""The shop on gevent's own server, in a program that is patched."""

from __future__ import annotations

from gevent import monkey

if __name__ == "__main__":
    monkey.patch_all()

import signal
from collections.abc import Callable

import gevent
import gevent.event
import gevent.pool
from gevent.pywsgi import WSGIServer

import asyncsentry
from asyncsentry.integrations.gevent import setup
from integrations.programs import shop, wsgi_shop

_waiting: list[gevent.event.Event] = []


def meet(size: int) -> None:
    _waiting.append(here := gevent.event.Event())
    if len(_waiting) == size:
        while _waiting:
            _waiting.pop().set()
    assert here.wait(shop.PATIENCE)


def time_out() -> None:
    try:
        gevent.with_timeout(0.01, gevent.sleep, shop.PATIENCE)
    except gevent.Timeout:
        return
    raise LookupError("nothing timed out")


def in_a_greenlet() -> None:
    gevent.spawn(shop.note, "greenlet").get()


def in_a_pool() -> None:
    gevent.pool.Pool(2).map(shop.note, ["pool"])


def start(function: Callable[[], None]) -> None:
    gevent.spawn(function)


INSIDE = {"generator": wsgi_shop.in_a_generator, "greenlet": in_a_greenlet, "pool": in_a_pool}


def run() -> None:
    """Serve until the program is told to end."""
    style = wsgi_shop.Style(meet, start, time_out, INSIDE)
    door = ("127.0.0.1", 0)
    server = WSGIServer(door, wsgi_shop.make_application(style), environ={"SERVER_NAME": "127.0.0.1"}, log=None)
    setup(server=server, **shop.options())
    asyncsentry.capture_message("early")
    told = gevent.event.Event()
    gevent.signal_handler(signal.SIGTERM, told.set)
    server.start()
    assert server.server_port is not None
    shop.announce(server.server_port)
    told.wait()
    server.stop()
    asyncsentry.capture_message("goodbye")
    asyncsentry.get_client().wait()


if __name__ == "__main__":
    run()
