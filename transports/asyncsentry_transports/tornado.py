"""Sending with Tornado's own HTTP clients on its loop, which is asyncio's.

With the simple one; through a proxy, which that does not know, with the one that stands on libcurl. Both are made for
this transport alone: how the application has configured its own is neither used nor changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

from asyncsentry.errors import MissingExtraError, OptionError
from asyncsentry.transport.protocol import Request, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._binding import Sender
from asyncsentry_transports._loops import Loops
from asyncsentry_transports._tornado_simple import SimpleSender


class TornadoTransport:
    """Runs turns and sends on the loops that capture."""

    def __init__(self, settings: Settings, *, curl: bool = False) -> None:
        """``curl``: send with libcurl also where no proxy asks for it. It keeps connections, and needs `pycurl`.

        By itself it is not used, as it is another with each version of libcurl, and has a TLS of its own: it knows no
        `ssl_context`.
        """
        tls = TlsContext(settings)
        make = _curl_sender(settings) if curl or settings.proxy else None
        self._loops = Loops(make or (lambda loop: SimpleSender(loop, settings, tls)), settings)

    def later(self, delay: float, turn: Turn, /) -> bool:
        """Run the turn on this thread's loop, or on one that has captured before; False where there is none."""
        return self._loops.later(delay, turn)

    def send(self, request: Request, settle: Settle, /) -> None:
        """Send on the turn's loop."""
        self._loops.send(request, settle)

    def wait(self, idle: Future[None], timeout: float, /) -> Awaitable[bool]:
        """Wait on whatever loop it is awaited."""
        return self._loops.wait(idle, timeout)

    def close(self, idle: Future[None], timeout: float, /) -> Awaitable[bool]:
        """Wait, then end on every loop."""
        return self._loops.close(idle, timeout)


def _curl_sender(settings: Settings) -> Callable[[asyncio.AbstractEventLoop], Sender]:
    """What makes a sender with libcurl; raises `SetupError` where there can be none."""
    needed_by = "through a proxy Tornado" if settings.proxy else "with curl=True Tornado"
    if settings.ssl_context is not None:
        raise OptionError(
            f"{needed_by} sends with libcurl, which cannot use an ssl_context: give ca_certs or cert_file"
        )
    try:
        from asyncsentry_transports._tornado_curl import CurlSender
    except ImportError as error:
        raise MissingExtraError(f"{needed_by} sends with libcurl ({error}): pip install pycurl") from error
    return lambda loop: CurlSender(loop, settings)
