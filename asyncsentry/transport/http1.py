"""HTTP/1.1 for one POST at a time, without any I/O: the head of a request as bytes, and a strict reader of the answer.

Every reader is bounded: what the other side sends can make it stop, never make it grow. An answer whose head is known
counts as an answer even if its body breaks off, since a status that was heard must not be asked for twice.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import NamedTuple

from asyncsentry.transport.protocol import BODY_LIMIT, Request, Response
from asyncsentry.transport.settings import Proxy

HEAD_LIMIT = 32 * 1024
"""Bytes of an answer's status line and headers, those of interim answers (``1xx``) included."""
HEADER_LIMIT = 100
"""Headers of one answer."""
DISCARD_LIMIT = 64 * 1024
"""Bytes of a body that are read to keep its connection; a longer body costs the connection."""

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\x00\r]*)?")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\r]*?)[ \t]*")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\x00\r]*)?")
_LENGTH = re.compile(r"[0-9]{1,18}")


class MalformedAnswer(Exception):
    """What came back is not an HTTP/1.1 answer, or its head is larger than any server needs."""


class Origin(NamedTuple):
    """Where a URL's connections go."""

    host: str
    port: int
    tls: bool


def _split(url: str) -> tuple[str, str, str]:
    """Scheme, host with port, and path with query. The standard library's parser takes too long to load."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return scheme, authority.rpartition("@")[2], slash + path or "/"


def origin(url: str) -> Origin:
    """The origin of an http or https URL, as `Dsn` writes it."""
    scheme, authority, _ = _split(url)
    tls = scheme == "https"
    bracket = authority.rfind("]")  # an IPv6 address is full of colons: the port's comes after its bracket
    host, _, port = authority[bracket + 1 :].partition(":")
    return Origin(authority[1:bracket] if bracket > 0 else host, int(port) if port else 443 if tls else 80, tls)


def post_head(request: Request, proxy: Proxy | None) -> bytes:
    """The head of a POST; in absolute form if it is a plain one through a proxy."""
    scheme, authority, target = _split(request.url)
    headers = {"Host": authority, **request.headers, "Content-Length": str(len(request.body))}
    if proxy is not None and scheme == "http":
        target = f"http://{authority}{target}"
        headers |= proxy.headers
    return _head(f"POST {target} HTTP/1.1", headers)


def connect_head(server: Origin, proxy: Proxy) -> bytes:
    """The head that asks a proxy for a tunnel to ``server``."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    authority = f"{host}:{server.port}"
    return _head(f"CONNECT {authority} HTTP/1.1", {"Host": authority, **proxy.headers})


def _head(first: str, headers: dict[str, str]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers.items())]
    told = "".join(lines)
    if "\r" in told or "\n" in told or "\0" in told:
        raise ValueError("a header holds a line break, or its like")  # it would be read as another header
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class AnswerReader:
    """Reads one answer from the bytes fed to it.

    `feed` and `end` give the answer as soon as it is complete. Afterwards ``reusable`` says whether the connection may
    carry another request. ``started`` says whether any byte came at all.
    """

    def __init__(self, *, tunnel: bool = False) -> None:
        """``tunnel``: the answer is one to CONNECT, and has no body when it grants the tunnel."""
        self.started = False
        self.reusable = False
        self._tunnel = tunnel
        self._buffer = bytearray()
        self._head_left = HEAD_LIMIT
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._read = 0
        self._steps = self._answer()
        next(self._steps)

    def feed(self, data: bytes) -> Response | None:
        """The answer, if ``data`` completes it; raises `MalformedAnswer`."""
        self.started = True
        self._buffer += data
        try:
            next(self._steps)
        except StopIteration:
            return self.known()
        return None

    def known(self) -> Response | None:
        """The answer as far as it came, if its head did: for a body that breaks off or takes too long."""
        return Response(self._status, self._headers, bytes(self._body)) if self._status else None

    def _answer(self) -> Generator[None, None, None]:
        yield
        while True:
            version, status = yield from self._status_line()
            headers = yield from self._header_lines()
            if status >= 200:
                break
            if status == 101:
                raise MalformedAnswer("the server switched to a protocol that nobody asked for")
        self._headers, self._status = headers, status
        whole = yield from self._body_of(status)
        self.reusable = whole and not self._buffer and self._stays_open(version)

    def _status_line(self) -> Generator[None, None, tuple[bytes, int]]:
        line = yield from self._head_line()
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise MalformedAnswer("the answer does not begin with an HTTP/1.1 status line")
        return match[1], int(match[2])

    def _header_lines(self) -> Generator[None, None, dict[str, str]]:
        headers: dict[str, str] = {}
        for _ in range(HEADER_LIMIT + 1):
            line = yield from self._head_line()
            if not line:
                return headers
            match = _HEADER.fullmatch(line)
            if match is None:
                raise MalformedAnswer("the answer has a malformed header")
            name, value = match[1].decode("ascii").lower(), match[2].decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        raise MalformedAnswer(f"the answer has more than {HEADER_LIMIT} headers")

    def _head_line(self) -> Generator[None, None, bytes]:
        line = yield from self._line(self._head_left)
        if line is None:
            raise MalformedAnswer("the head of the answer is too long")
        self._head_left -= len(line)
        return line

    def _line(self, limit: int) -> Generator[None, None, bytes | None]:
        """The next line without its end; None if it has more than ``limit`` bytes."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > limit:
                return None
            yield
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        return line if len(line) <= limit else None

    def _body_of(self, status: int) -> Generator[None, None, bool]:
        """Read the body; whether it came to its end, so that another answer may follow it."""
        if status in (204, 304) or (self._tunnel and status < 300):
            return True
        length = self._headers.get("content-length", "")
        if "transfer-encoding" in self._headers:
            if self._headers["transfer-encoding"].lower() != "chunked":
                return (yield from self._until_end())
            # Of two lengths that could differ the chunks' is the one to trust, but the next answer's place is not.
            return (yield from self._chunks()) and not length
        if _LENGTH.fullmatch(length):
            return (yield from self._bytes(int(length)))
        return (yield from self._until_end())

    def _until_end(self) -> Generator[None, None, bool]:
        yield from self._bytes(DISCARD_LIMIT)
        return False

    def _bytes(self, count: int) -> Generator[None, None, bool]:
        """Read ``count`` bytes of the body; False if they are too many to read."""
        while True:
            taken = self._buffer[:count]
            del self._buffer[:count]
            self._read += len(taken)
            self._body += taken[: BODY_LIMIT - len(self._body)]
            count -= len(taken)
            if not count:
                return self._read <= DISCARD_LIMIT
            if self._read + count > DISCARD_LIMIT and len(self._body) == BODY_LIMIT:
                return False
            yield

    def _chunks(self) -> Generator[None, None, bool]:
        while True:
            line = yield from self._line(HEAD_LIMIT)
            size = _CHUNK_SIZE.fullmatch(line or b"")
            if size is None:
                return False
            count = int(size[1], 16)
            if not count:
                return (yield from self._trailers())
            if not (yield from self._bytes(count)) or (yield from self._line(HEAD_LIMIT)) != b"":
                return False

    def _trailers(self) -> Generator[None, None, bool]:
        for _ in range(HEADER_LIMIT):
            line = yield from self._line(HEAD_LIMIT)
            if not line:
                return line is not None
        return False

    def _stays_open(self, version: bytes) -> bool:
        options = {option.strip() for option in self._headers.get("connection", "").lower().split(",")}
        return "keep-alive" in options if version == b"0" else "close" not in options
