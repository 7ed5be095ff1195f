"""A fast HTTP server on loopback, in a process of its own, that takes what every SDK sends and keeps the latest.

``GET /seen`` answers what was received so far, as JSON: ``requests``, the ``events`` in them, and the ``size`` of their
bodies in bytes. Bodies are looked into only then. ``GET /latest`` answers the body of the latest request as it came.
``GET /hang`` makes it answer nothing that is posted from then on. These are not counted, nor is any other GET.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final
from urllib.request import urlopen

import bodies

HEADER_END: Final = b"\r\n\r\n"


@dataclass
class Seen:
    """What was received."""

    requests: int = 0
    size: int = 0
    """Bytes."""
    events: int = 0
    latest: bytes = b""
    unread: list[bytes] = field(default_factory=list)
    """Bodies whose events are not counted yet."""

    def add(self, body: bytes) -> None:
        self.requests += 1
        self.size += len(body)
        self.latest = body
        self.unread.append(body)

    def told(self) -> dict[str, int]:
        self.events += sum(map(bodies.events, self.unread))
        self.unread.clear()
        return {"requests": self.requests, "size": self.size, "events": self.events}


@dataclass
class Manner:
    """How the server answers. It may begin to hang later."""

    latency: float = 0.0
    """Seconds."""
    hang: bool = False
    """Whether it takes everything and answers nothing."""
    status: int = 200
    """Of the answers to what is posted."""


class Talk(asyncio.Protocol):
    """One connection, kept alive. Bodies need a Content-Length, which all the SDKs send."""

    def __init__(self, seen: Seen, manner: Manner) -> None:
        self._seen = seen
        self._manner = manner
        self._got = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(HEADER_END)) >= 0:
            head = bytes(self._got[:end])
            begin = end + len(HEADER_END)
            length = _content_length(head)
            if len(self._got) < begin + length:
                return
            body = bytes(self._got[begin : begin + length])
            del self._got[: begin + length]
            self._take(head, body)

    def _take(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET /seen"):
            self._write(_answer(200, json.dumps(self._seen.told()).encode()))
        elif head.startswith(b"GET /latest"):
            self._write(_answer(200, self._seen.latest))
        elif head.startswith(b"GET /hang"):
            self._manner.hang = True
            self._write(_answer(200, b""))
        elif head.startswith(b"GET"):  # elastic-apm asks which server this is
            self._write(_answer(200, b"{}"))
        else:
            self._seen.add(body)
            self._respond(head)

    def _respond(self, head: bytes) -> None:
        if self._manner.hang:
            return
        # Honeybadger's client logs an error for any other status, which is work that its users have not.
        status = 201 if self._manner.status == 200 and head.startswith(b"POST /v1/notices") else self._manner.status
        answer = _answer(status, b"{}")
        if self._manner.latency:
            asyncio.get_running_loop().call_later(self._manner.latency, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        assert self._transport is not None
        self._transport.write(answer)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _answer(status: int, body: bytes) -> bytes:
    again = "Retry-After: 60\r\n" if status == 429 else ""
    head = f"HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\n{again}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Sink:
    """The server's process, as a context manager. ``arguments`` are those of its command line."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Nobody listens from now on."""
        self._process.kill()
        with self._process:
            pass


def seen(url: str) -> Seen:
    """What the server at ``url`` received so far."""
    with urlopen(f"{url}/seen") as answer:
        return Seen(**json.load(answer))


def latest(url: str) -> bytes:
    """The body of the latest request that the server at ``url`` received."""
    with urlopen(f"{url}/latest") as answer:
        body: bytes = answer.read()
    return body


def hang(url: str) -> None:
    """Have the server at ``url`` take everything and answer nothing from now on."""
    with urlopen(f"{url}/hang"):
        pass


async def serve(manner: Manner) -> None:
    received = Seen()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Talk(received, manner), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds until the answer (default: 0)")
    parser.add_argument("--hang", action="store_true", help="take everything, and never answer")
    parser.add_argument(
        "--status", type=int, default=200, help="the status of the answers to what is posted (default: 200)"
    )
    arguments = parser.parse_args()
    asyncio.run(serve(Manner(arguments.latency, arguments.hang, arguments.status)))


if __name__ == "__main__":
    main()
