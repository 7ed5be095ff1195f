"""The shop as an application of WSGI and of no framework, whatever server it runs on."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import asyncsentry
from integrations.programs import shop

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Failed(Exception):
    """What a framework would have: an answer with a status."""

    def __init__(self, status: str) -> None:
        self.status = status


@dataclass(frozen=True, slots=True)
class Style:
    """What the servers' styles of concurrency do differently."""

    meet: Callable[[int], None]
    """Wait until so many requests are in hand at once."""
    start: Callable[[Callable[[], None]], object]
    """Start a function in the background."""
    time_out: Callable[[], None]
    """Give up on something that lasts."""
    inside: Mapping[str, Callable[[], None]]
    """Where a program may come to know something of a request."""


def make_application(style: Style) -> Application:
    """The shop, with a middleware of its own."""

    def serve(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path in STREAMS:
            return STREAMS[path](start)
        answer = handle(style, environ, path)
        start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
        return [answer]

    def own(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/middleware":
            raise shop.Broken("middleware")
        try:
            return serve(environ, start)
        except Failed as error:
            start(error.status, [], sys.exc_info())
            return [error.status.encode()]
        except shop.Broken:
            if environ["PATH_INFO"] == "/page":
                start("500 Internal Server Error", [], sys.exc_info())
                return [str(asyncsentry.last_event_id()).encode()]
            if environ["PATH_INFO"] == "/excused":
                start("404 Not Found", [], sys.exc_info())
                return [b""]
            raise

    return own


def handle(style: Style, environ: Environ, path: str) -> bytes:
    _, word, *rest = path.split("/")
    if word == "fine":
        return b"fine"
    if word in ("page", "excused"):
        raise shop.Broken(word)
    if word in STATUSES:
        raise Failed(STATUSES[word])
    if word in ("echo", "unread", "late"):
        return read(environ, word)
    if word == "user":
        return serve_user(style, rest[0], parse_qs(environ["QUERY_STRING"]))
    if word == "scopes":
        style.inside[rest[0]]()
        raise shop.Broken(f"outside {rest[0]}")
    if word == "background":
        style.start(lambda: shop.fail("background"))
    elif word == "timeout":
        style.time_out()
    elif word in DEEDS:
        DEEDS[word]()
    else:
        raise Failed("404 Not Found")
    return b""


STATUSES = {"refused": "403 Forbidden", "unavailable": "503 Service Unavailable"}

DEEDS: Mapping[str, Callable[[], object]] = {
    "fail": lambda: shop.fail("fail"),
    "item": lambda: shop.fail("item"),
    "chained": shop.fail_in_a_chain,
    "handled": shop.handle,
    "plain": lambda: asyncsentry.capture_message("plain"),
}


def read(environ: Environ, word: str) -> bytes:
    if word == "unread":
        shop.fail("unread")
    if word == "late":
        asyncsentry.capture_message("late")
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if "fail" in environ["QUERY_STRING"]:
        shop.fail("echo")
    return body


def serve_user(style: Style, number: str, query: Mapping[str, list[str]]) -> bytes:
    shop.serve_user(number)
    style.meet(int(query.get("of", ["1"])[0]))
    shop.fail_for_user(number)
    return b""


def stream(start: StartResponse) -> Iterator[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    yield b"begun"
    raise shop.Broken("stream")


def endless(start: StartResponse) -> Iterator[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    yield from say_more()


def say_more() -> Iterator[bytes]:
    """An answer without an end, and what is known when nobody hears it any more."""
    try:
        while True:
            yield b"more"
            time.sleep(0.001)
    finally:
        asyncsentry.capture_message("gone")


STREAMS = {"/stream": stream, "/endless": endless}


def in_a_thread() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(copy_context().run, shop.note, "thread").result()


def in_a_generator() -> None:
    def steps() -> Iterator[None]:
        yield
        shop.note("generator")

    for _ in steps():
        pass


def wait_in_vain() -> None:
    """A time-out of the standard library's: it is no error."""
    assert not threading.Event().wait(0.01)


def meet_in_threads() -> Callable[[int], None]:
    """What lets threads wait for each other."""
    lock, barriers = threading.Lock(), dict[int, threading.Barrier]()

    def meet(size: int) -> None:
        with lock:
            barrier = barriers.setdefault(size, threading.Barrier(size))
        barrier.wait(shop.PATIENCE)

    return meet


INSIDE = {"thread": in_a_thread, "generator": in_a_generator}


def start_thread(function: Callable[[], None]) -> None:
    threading.Thread(target=function).start()
