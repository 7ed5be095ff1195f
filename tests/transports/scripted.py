"""A server that says exactly what it is told to, also what no server should."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Talk = Callable[[socket.socket], None]


@contextmanager
def scripted(*talks: Talk, narrow: bool = False) -> Iterator[int]:
    """A listening port; each connection in turn is given to the next talk, then closed.

    ``narrow``: little gets through to who does not read.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        if narrow:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        listening.settimeout(20)
        thread = threading.Thread(target=_serve, args=(listening, talks))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listening: socket.socket, talks: tuple[Talk, ...]) -> None:
    for talk in talks:
        with suppress(OSError):
            connected, _ = listening.accept()
            with connected:
                connected.settimeout(20)
                talk(connected)


def answer(*data: bytes) -> Talk:
    """Read one request for each answer, and give it."""

    def talk(connected: socket.socket) -> None:
        for piece in data:
            read_request(connected)
            connected.sendall(piece)

    return talk


def read_request(connected: socket.socket) -> bytes:
    """One request with a ``Content-Length``; ConnectionError if there is none."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connected)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0].split(b":")[1]) if lengths else 0
    pieces, read = [body], len(body)
    while read < length:
        pieces.append(_some(connected))
        read += len(pieces[-1])
    return head + b"\r\n\r\n" + b"".join(pieces)


def _some(connected: socket.socket) -> bytes:
    data = connected.recv(65536)
    if not data:
        raise ConnectionResetError
    return data
