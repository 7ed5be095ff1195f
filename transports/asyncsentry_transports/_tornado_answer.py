"""An answer as Tornado's clients tell of it: line by line, and piece by piece."""

from __future__ import annotations

from asyncsentry.transport.http1 import DISCARD_LIMIT
from asyncsentry.transport.protocol import BODY_LIMIT, Response


class Answer:
    """What was heard of an answer. Its status counts, whatever becomes of the rest."""

    def __init__(self) -> None:
        self._status = 0
        self._complete = False
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._read = 0

    def line(self, line: str) -> None:
        """A line of the head, also of an interim answer (``1xx``); the last is empty."""
        if line.startswith("HTTP/"):
            status = line.split(maxsplit=2)[1:2]
            self._status = int(status[0]) if status and status[0].isdecimal() else 0
            self._headers.clear()
        elif not line.strip():
            self._complete = self._status >= 200
        elif ":" in line:
            name, _, value = line.partition(":")
            name, value = name.strip().lower(), value.strip()
            self._headers[name] = f"{self._headers[name]}, {value}" if name in self._headers else value
        else:  # an old libcurl lets it pass
            self._status = 0

    def piece(self, data: bytes) -> bool:
        """A piece of the body; False if it is too long to be read to its end."""
        self._body += data[: BODY_LIMIT - len(self._body)]
        self._read += len(data)
        return self._read <= DISCARD_LIMIT

    def known(self) -> Response | None:
        """The answer as far as it came, if its head did."""
        return Response(self._status, self._headers, bytes(self._body)) if self._complete else None
