"""The conformance suite for transports: ours are held to it, and yours can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asyncsentry.testing.bench import Bench
from asyncsentry.testing.habitats import CallingThread, Habitat
from asyncsentry.testing.promises import PROMISES, keep
from asyncsentry.transport.protocol import Factory


def check_transport(
    factory: Factory[Any],
    *,
    habitat: Callable[[], Habitat] = CallingThread,
    waits: bool = False,
    reuses: bool = True,
) -> None:
    """Try every promise of the protocol with transports that ``factory`` makes, against a real loopback server.

    ``habitat`` is where the style lives: `CallingThread` for styles without a loop, `AsyncioLoop` for asyncio, a class
    of yours for another. ``waits`` is for a style whose captures wait for the server, as their users chose.
    ``reuses=False`` is for one whose library opens a connection for each request.

    Raises `AssertionError` that names each broken promise and what was seen instead. It takes about ten seconds.
    """
    broken = []
    for promise in PROMISES:
        try:
            keep(promise, Bench(factory, habitat(), waits=waits, reuses=reuses))
        except Exception as error:  # a transport of a stranger's may fail in any way
            broken.append(f"{promise.__name__}: {error!r}")
    assert not broken, "promises were broken:\n" + "\n".join(broken)
