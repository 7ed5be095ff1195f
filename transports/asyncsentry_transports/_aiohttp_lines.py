"""Closing, for aiohttp, what the server has closed: on Python 3.10 asyncio's TLS counts that as a transport forgotten.

It warns of it (`ResourceWarning`) when nobody has it any more; aiohttp lets go of it as soon as the server hangs up.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from aiohttp.connector import Connection


class Lines:
    """The transports that a session's answers come on."""

    def __init__(self) -> None:
        self._open: set[asyncio.Transport] = set()

    def keep(self, line: asyncio.Transport) -> None:
        self.clear_up()
        self._open.add(line)

    def clear_up(self) -> None:
        """Let go of what is closed, and close what the server has: asyncio's TLS knows no socket then."""
        for line in list(self._open):
            hung_up = line.get_extra_info("socket") is None
            if hung_up:
                line.abort()
            if hung_up or line.is_closing():
                self._open.discard(line)


def answers_on(lines: Lines) -> type[aiohttp.ClientResponse]:
    """What a session makes its answers of, so that the transports they come on are kept in ``lines``."""

    class Answer(aiohttp.ClientResponse):
        async def start(self, connection: Connection) -> aiohttp.ClientResponse:
            if connection.transport is not None:
                lines.keep(connection.transport)
            return await super().start(connection)

    return Answer
