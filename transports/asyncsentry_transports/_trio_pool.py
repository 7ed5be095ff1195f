"""The connections in one run of trio: those in use, and those kept for the next request."""

from __future__ import annotations

import trio

from asyncsentry.transport.http1 import AnswerReader, post_head
from asyncsentry.transport.protocol import Request, Response
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._flight import Flight
from asyncsentry_transports._trio_line import Line, connect
from asyncsentry_transports._trio_time import at_most


class Pool:
    """What requests are sent over."""

    def __init__(self, settings: Settings, tls: TlsContext) -> None:
        self._settings = settings
        self._tls = tls
        self._idle: list[Line] = []
        self._closed = False

    async def post(self, request: Request, flight: Flight) -> None:
        """Send, and settle; but for what is cancelled from outside."""
        reader = AnswerReader()
        async with at_most(self._settings.timeout) as whole:
            try:
                message = post_head(request, self._settings.proxy) + request.body
                flight.settle(await self._answer(message, reader, flight))
            except Exception as error:  # name look-up, sockets, TLS, HTTP and certificates each fail in their own way
                flight.fail(_cause(error))
        if whole.cancelled_caught:
            if (known := reader.known()) is not None:
                flight.settle(known)
            else:
                flight.fail(TimeoutError("no answer in time"))

    def close(self) -> None:
        """Close what is kept, and keep no more; in any thread, also when the run is over."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    async def _answer(self, message: bytes, reader: AnswerReader, flight: Flight) -> Response:
        line = await self._kept()
        if line is not None:
            flight.sent = True
            try:
                return await self._converse(line, message, reader)
            except (OSError, trio.BrokenResourceError):
                if reader.started:
                    raise
                # The server had closed it while it was idle.
        line = await connect(self._settings, self._tls)
        flight.sent = True
        return await self._converse(line, message, reader)

    async def _kept(self) -> Line | None:
        """A kept connection on which nothing has come meanwhile: neither what nobody asked for, nor the end."""
        while self._idle:
            line = self._idle.pop()
            quiet = False
            try:
                quiet = await line.is_quiet()
            finally:
                if not quiet:
                    line.close()
            if quiet:
                return line
        return None

    async def _converse(self, line: Line, message: bytes, reader: AnswerReader) -> Response:
        try:
            return await line.exchange(message, reader)
        finally:
            if line.reusable and not self._closed and len(self._idle) < self._settings.max_in_flight:
                self._idle.append(line)
            else:
                line.close()


def _cause(error: Exception) -> BaseException:
    """What went wrong, taken out of what trio wraps it in: a broken stream, attempts to connect that all failed."""
    cause: BaseException | None = error.__cause__
    return getattr(cause, "exceptions", (cause,))[-1] or error
