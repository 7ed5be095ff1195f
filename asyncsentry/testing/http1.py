"""HTTP/1.1 as far as a receiver of envelopes needs it: requests read, responses written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO, Final
from urllib.parse import urlsplit

from asyncsentry.testing.answers import Answer
from asyncsentry.testing.limits import MIB
from asyncsentry.testing.refusals import Refusal

MAX_HEAD: Final = 64 * 1024
MAX_BODY: Final = 200 * MIB

_HEX: Final = re.compile(r"[0-9A-Fa-f]+")

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Head:
    """A request's first line and headers. Names are lower-case; of several of one name the values are joined."""

    method: str
    target: str
    path: str
    query: str
    version: str
    headers: Mapping[str, str]

    @property
    def keeps_alive(self) -> bool:
        """Whether the client may send more on this connection."""
        tokens = self.headers.get("connection", "").lower().split(",")
        return self.version == "HTTP/1.1" and "close" not in map(str.strip, tokens)

    @property
    def waits_for_continue(self) -> bool:
        return self.headers.get("expect", "").lower() == "100-continue"


def read_head(stream: BinaryIO) -> Head:
    """The head of the next request; `Refusal` if it is none, `ConnectionError` if it breaks off."""
    words = _line(stream, MAX_HEAD).split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise Refusal(400, "not an HTTP/1.1 request line")
    method, target, version = words
    headers = _headers(stream)
    if version == "HTTP/1.1" and "host" not in headers:
        raise Refusal(400, "no Host")
    return Head(method, target, *_split(target), version, headers)


def _split(target: str) -> tuple[str, str]:
    """The path and the query of a target; a proxy's has a scheme and a host before them."""
    try:
        parts = urlsplit(target)
    except ValueError as error:
        raise Refusal(400, f"{target!r}: {error}") from error
    return parts.path, parts.query


def _headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    left = MAX_HEAD
    while line := _line(stream, left):
        left -= len(line)
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise Refusal(400, f"not a header: {line!r}")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def read_body(stream: BinaryIO, head: Head) -> bytes:
    """The body that belongs to this head, its chunks joined."""
    coding = head.headers.get("transfer-encoding")
    length = head.headers.get("content-length")
    if coding is not None and length is not None:
        raise Refusal(400, "both Transfer-Encoding and Content-Length")
    if coding is not None:
        return _chunked(stream, coding)
    if length is None:
        return b""
    if not length.isdecimal():
        raise Refusal(400, f"Content-Length is {length!r}")
    return _exactly(stream, int(length))


def _chunked(stream: BinaryIO, coding: str) -> bytes:
    if coding.lower() != "chunked":
        raise Refusal(501, f"Transfer-Encoding is {coding!r}")
    chunks = []
    left = MAX_BODY
    while size := _chunk_size(_line(stream, MAX_HEAD)):
        chunks.append(_exactly(stream, size, left))
        left -= size
        if _line(stream, MAX_HEAD):
            raise Refusal(400, "a chunk is longer than its size")
    _headers(stream)  # the trailer, and the empty line that ends it
    return b"".join(chunks)


def _chunk_size(line: str) -> int:
    digits = line.partition(";")[0].strip()
    if not _HEX.fullmatch(digits):
        raise Refusal(400, f"not the size of a chunk: {line!r}")
    return int(digits, 16)


def _exactly(stream: BinaryIO, size: int, limit: int = MAX_BODY) -> bytes:
    if size > limit:
        raise Refusal(413, f"a body of more than {MAX_BODY} bytes")
    found = stream.read(size)
    if len(found) < size:
        raise ConnectionError("the client left in the middle of a body")
    return found


def _line(stream: BinaryIO, limit: int) -> str:
    line = stream.readline(max(limit, 0) + 2)
    if line.endswith(b"\r\n"):
        return line[:-2].decode("latin-1")
    if line.endswith(b"\n") or len(line) > limit:
        raise Refusal(400, "a line too long, or not ended by CR and LF")
    raise ConnectionError("the client left in the middle of a head")


def response(answer: Answer, default_body: Mapping[str, object], *, reusable: bool) -> tuple[bytes, bytes]:
    """The head, its names in lower case, and the body to send."""
    bodiless = answer.status in (204, 304)
    body = answer.body
    if body is None:
        body = b"" if bodiless else json.dumps(default_body).encode()
    headers = {} if bodiless else {"content-type": "application/json", "content-length": str(len(body))}
    if not reusable:
        headers["connection"] = "close"
    told = {name.lower(): value for name, value in answer.headers.items()}
    if "transfer-encoding" in told:
        headers.pop("content-length", None)
    lines = [f"HTTP/1.1 {answer.status} {_reason(answer.status)}"]
    lines += [f"{name}: {value}" for name, value in (headers | told).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1"), body


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "As Told"
