"""A small server that speaks HTTP/2 over TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events

PATIENCE = 20.0


@dataclass(frozen=True)
class Posted:
    """One request, and the number of the connection that it came over."""

    connection: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Http2Server:
    """What was asked of it, and what it is told to do."""

    port: int
    requests: list[Posted] = field(default_factory=list)
    silent_on: int = 0
    """The number of the connection on which it answers no more."""
    hangs_up: bool = False
    """Whether it ends a connection after each answer, with a farewell."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/api/1/envelope/"


@contextmanager
def http2_server(context: ssl.SSLContext) -> Iterator[Http2Server]:
    context.set_alpn_protocols(["h2"])
    with socket.create_server(("127.0.0.1", 0)) as listening, ExitStack() as threads:
        server = Http2Server(listening.getsockname()[1])
        accepting = threading.Thread(target=_accept, args=(listening, context, server, threads))
        accepting.start()
        try:
            yield server
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(listening: socket.socket, context: ssl.SSLContext, server: Http2Server, threads: ExitStack) -> None:
    number = 0
    with suppress(OSError):
        while True:
            plain, _ = listening.accept()
            number += 1
            plain.settimeout(PATIENCE)
            connected = context.wrap_socket(plain, server_side=True)
            thread = threading.Thread(target=_serve, args=(connected, server, number))
            threads.callback(thread.join)
            threads.callback(_hang_up, connected)
            thread.start()


def _serve(connected: ssl.SSLSocket, server: Http2Server, number: int) -> None:
    session = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
    session.initiate_connection()
    heads: dict[int, dict[str, str]] = {}
    bodies: defaultdict[int, bytes] = defaultdict(bytes)
    with connected, suppress(OSError):
        connected.sendall(session.data_to_send())
        while data := connected.recv(65536):
            for event in session.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    heads[event.stream_id] = {str(name): str(value) for name, value in event.headers}
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] += event.data
                    session.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    stream = event.stream_id
                    server.requests.append(Posted(number, heads[stream], bodies[stream]))
                    _answer(session, stream, server)
            connected.sendall(session.data_to_send())
            if server.hangs_up and server.requests and server.requests[-1].connection == number:
                connected.shutdown(socket.SHUT_WR)  # and read on: else what is left unread would reset the answer


def _answer(session: h2.connection.H2Connection, stream: int, server: Http2Server) -> None:
    if server.silent_on == server.requests[-1].connection:
        return
    session.send_headers(stream, [(":status", "200"), ("x-two", "a"), ("x-two", "b")])
    session.send_data(stream, b"{}", end_stream=True)
    if server.hangs_up:
        session.close_connection()


def _hang_up(connected: ssl.SSLSocket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
