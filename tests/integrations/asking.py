"""A small client of HTTP and WebSockets, which says exactly what it is told to."""

from __future__ import annotations

import base64
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from types import TracebackType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from typing_extensions import Self

PATIENCE: Final = 20.0
"""Seconds after which an answer does not come any more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes
    complete: bool
    """Whether all of it came that was to come."""

    @property
    def event_id(self) -> str | None:
        """The event that the answer names."""
        return self.headers.get("x-sentry-id")


class Connection:
    """A connection for HTTP; it is made when it is needed, and again if the server has closed it."""

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc
        self._http = HTTPConnection(self.host, timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Send a request, and read the answer as far as it comes."""
        self._http.request(method, path, body, dict(headers or {}))
        answer = self._http.getresponse()
        given = {name.lower(): value for name, value in answer.getheaders()}
        try:
            return Answer(answer.status, given, answer.read(), complete=True)
        except IncompleteRead as error:
            return Answer(answer.status, given, error.partial, complete=False)
        except (HTTPException, ConnectionError):
            return Answer(answer.status, given, b"", complete=False)

    def begin(self, method: str, path: str) -> bytes:
        """Send a request, and read the first four bytes of an answer that may have no end."""
        self._http.request(method, path)
        return self._http.getresponse().read(4)


class WebSocket:
    """A WebSocket for short texts: https://www.rfc-editor.org/rfc/rfc6455"""

    def __init__(self, url: str, path: str) -> None:
        self._http = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
        asked = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        }
        self._http.request("GET", path, headers=asked)
        self._socket = self._http.sock
        self._answer = HTTPResponse(self._socket, method="GET")
        self._answer.begin()
        assert self._answer.status == 101, self._answer.read()
        self._frames = self._answer.fp

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answer.close()
        self._http.close()

    def say(self, text: str) -> None:
        """Send a text of fewer than 126 bytes."""
        said, mask = text.encode(), os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(said))
        self._socket.sendall(struct.pack("!BB", 0x81, 0x80 | len(said)) + mask + masked)

    def hear(self) -> str | None:
        """The next text; None once the server closes, or is gone."""
        while head := self._frames.read(2):
            payload = self._frames.read(head[1])
            kind = head[0] & 0x0F
            if kind == 1:
                return payload.decode()
            if kind == 8:
                return None
        return None
