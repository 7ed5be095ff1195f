"""A real forward proxy: tunnels for https, whole URLs for http."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from asyncsentry.transport.settings import Proxy
from transports.scripted import read_request

PATIENCE = 20.0


@dataclass
class ForwardProxy:
    """What was asked of it, and how it is reached."""

    port: int
    authorization: str | None
    asked: list[str] = field(default_factory=list)
    """The first line of each request."""

    @property
    def settings(self) -> Proxy:
        return Proxy("127.0.0.1", self.port, self.authorization)


@contextmanager
def forward_proxy(*, authorization: str | None = None, tunnel_answer: bytes | None = None) -> Iterator[ForwardProxy]:
    """``authorization``: what it insists on. ``tunnel_answer``: what it says to CONNECT instead of making a tunnel."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        proxy = ForwardProxy(listening.getsockname()[1], authorization)
        threads = _Threads()
        threads.start(_accept, listening, proxy, tunnel_answer, threads)
        try:
            yield proxy
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            threads.end()


class _Threads:
    """The threads and sockets of one proxy."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    def start(self, target: object, *arguments: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def keep(self, connected: socket.socket) -> None:
        connected.settimeout(PATIENCE)
        self._sockets.append(connected)

    def end(self) -> None:
        for connected in self._sockets:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for connected in self._sockets:
            connected.close()


def _accept(listening: socket.socket, proxy: ForwardProxy, tunnel_answer: bytes | None, threads: _Threads) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            threads.keep(client)
            threads.start(_serve, client, proxy, tunnel_answer, threads)


def _serve(client: socket.socket, proxy: ForwardProxy, tunnel_answer: bytes | None, threads: _Threads) -> None:
    with suppress(OSError):
        while True:
            head, _, body = read_request(client).partition(b"\r\n\r\n")
            first, *headers = head.decode("latin-1").split("\r\n")
            proxy.asked.append(first)
            method, target, _ = first.split(" ")
            if proxy.authorization and f"Proxy-Authorization: {proxy.authorization}" not in headers:
                client.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            elif method != "CONNECT":
                _forward(client, target, headers, body, threads)
            elif tunnel_answer is not None:
                client.sendall(tunnel_answer)
                return _hang_up(client)
            else:
                return _tunnel(client, target, threads)


def _forward(client: socket.socket, url: str, headers: list[str], body: bytes, threads: _Threads) -> None:
    """One plain request, on a connection of its own."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    server = socket.create_connection((parts.hostname, parts.port or 80))
    threads.keep(server)
    kept = [header for header in headers if not header.lower().startswith(("proxy-", "connection:"))]
    server.sendall("\r\n".join([f"POST {parts.path} HTTP/1.1", *kept, "Connection: close", "", ""]).encode() + body)
    answer = b"".join(iter(lambda: server.recv(65536), b""))
    client.sendall(answer.replace(b"connection: close\r\n", b"").replace(b"Connection: close\r\n", b""))


def _tunnel(client: socket.socket, target: str, threads: _Threads) -> None:
    host, _, port = target.rpartition(":")
    server = socket.create_connection((host.strip("[]"), int(port)))
    threads.keep(server)
    client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
    threads.start(_pump, server, client)
    _pump(client, server)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _hang_up(sink)
    _hang_up(source)


def _hang_up(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
