"""The limit: as little as an event with frames, source lines and locals can cost in plain Python.

It has no scopes, hooks, scrubbing, retries, limits or TLS, and trusts every ``repr``. Nobody should use it; it shows
how far an SDK is from what is possible.
"""

from __future__ import annotations

import asyncio
import json
import linecache
import os
import time
import zlib
from collections import deque
from types import CodeType, TracebackType
from typing import Any, Final

from sdks import PATIENCE, Mode, Modes, host

DEPTH: Final = 4
BREADTH: Final = 10
CHARACTERS: Final = 1024
LINES: Final = 5

Fields = dict[str, Any]

_STATIC: Final[dict[tuple[CodeType, int], Fields]] = {}


def plain(value: Any, depth: int = DEPTH) -> Any:
    """A bounded copy, of nothing but what JSON has."""
    kind = type(value)
    if kind is str:
        return value if len(value) <= CHARACTERS else value[:CHARACTERS]
    if kind is int or kind is float or kind is bool or value is None:
        return value
    if depth:
        if kind is dict:
            if len(value) <= BREADTH:
                return {str(key): plain(each, depth - 1) for key, each in value.items()}
            return {str(key): plain(value[key], depth - 1) for key in list(value)[:BREADTH]}
        if kind is list or kind is tuple:
            return [plain(each, depth - 1) for each in value[:BREADTH]]
    return repr(value)[:CHARACTERS]


def static_part(code: CodeType, traceback: TracebackType) -> Fields:
    """What depends on the place in the code alone."""
    module = traceback.tb_frame.f_globals.get("__name__")
    lines = linecache.getlines(code.co_filename, traceback.tb_frame.f_globals)
    here = traceback.tb_lineno - 1
    return {
        "filename": code.co_filename,
        "function": code.co_name,
        "module": module,
        "lineno": here + 1,
        "pre_context": [line.rstrip("\n") for line in lines[max(0, here - LINES) : here]],
        "context_line": lines[here].rstrip("\n") if here < len(lines) else None,
        "post_context": [line.rstrip("\n") for line in lines[here + 1 : here + 1 + LINES]],
        "in_app": True,
    }


def frames(traceback: TracebackType | None) -> list[Fields]:
    found = []
    while traceback is not None:
        frame = traceback.tb_frame
        code = frame.f_code
        place = (code, traceback.tb_lasti)
        static = _STATIC.get(place)
        if static is None:
            static = _STATIC[place] = static_part(code, traceback)
        found.append({**static, "vars": {name: plain(value) for name, value in frame.f_locals.items()}})
        traceback = traceback.tb_next
    return found


def exceptions(error: BaseException | None) -> list[Fields]:
    """The error, what it came from, and what is in it."""
    found: list[Fields] = []
    while error is not None:
        kind = type(error)
        found.append(
            {
                "type": kind.__name__,
                "module": kind.__module__,
                "value": str(error),
                "stacktrace": {"frames": frames(error.__traceback__)},
            }
        )
        for inner in getattr(error, "exceptions", ()):
            found += exceptions(inner)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


class Adapter:
    modes: Modes = frozenset({"on", "default", "roomy"})
    works_uninitialised = False
    knows_again = False
    counted = None
    full_after = None
    watches_logging = False

    def __init__(self) -> None:
        self._queue: deque[Fields] = deque()
        self._crumbs: deque[Fields] = deque(maxlen=100)
        self._host = ""
        self._sending: asyncio.Task[None] | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def init(self, url: str, mode: Mode, ignored: type[Exception]) -> None:  # noqa: ARG002  # they are all one to it
        self._host = host(url)

    def capture(self, error: BaseException) -> None:
        self._put({"exception": {"values": exceptions(error)}})

    def capture_message(self, text: str) -> None:
        self._put({"message": text})

    def add_breadcrumb(self, text: str) -> None:
        self._crumbs.append({"message": text, "timestamp": time.time()})

    async def drain(self, patience: float = PATIENCE) -> None:
        if self._sending is not None:
            await asyncio.wait_for(self._sending, patience)

    def _put(self, event: Fields) -> None:
        event["event_id"] = os.urandom(16).hex()
        event["timestamp"] = time.time()
        event["platform"] = "python"
        event["breadcrumbs"] = list(self._crumbs)
        self._queue.append(event)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        if self._streams is None:
            name, _, port = self._host.partition(":")
            self._streams = await asyncio.open_connection(name, int(port))
        reader, writer = self._streams
        while self._queue:
            event = self._queue.popleft()
            payload = json.dumps(event).encode()
            head = b'{"event_id":"%s"}\n{"type":"event","length":%d}\n' % (event["event_id"].encode(), len(payload))
            body = zlib.compress(head + payload, 1)
            start = f"POST /api/1/envelope/ HTTP/1.1\r\nHost: {self._host}\r\nContent-Encoding: deflate\r\n"
            writer.write(f"{start}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(answer.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
