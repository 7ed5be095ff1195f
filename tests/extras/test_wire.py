"""TLS as the blocking sender speaks it, with servers that say what no server should."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest
import trustme

from asyncsentry.post import Channel
from asyncsentry.transport.protocol import NoResponse, Request, Response
from asyncsentry.transport.settings import Settings
from transports.scripted import Talk, answer, read_request, scripted

PATIENCE = 20.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def channel_to(authority: trustme.CA, *talks: Talk) -> Iterator[tuple[Channel, Request]]:
    """A channel to a server that gives each connection to a talk, when hands are shaken; and a request for it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)

    def secured(talk: Talk) -> Talk:
        def secure(connected: socket.socket) -> None:
            with server.wrap_socket(connected, server_side=True) as shaken:
                talk(shaken)

        return secure

    with scripted(*map(secured, talks)) as port:
        url = f"https://127.0.0.1:{port}/"
        with closing(Channel(Settings(url, ssl_context=client))) as channel:
            yield channel, Request(url, {}, b"{}")


def test_what_came_unasked_with_an_answer_is_not_taken_for_the_next(authority: trustme.CA) -> None:
    def babble(connected: socket.socket) -> None:
        read_request(connected)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # so that both come at once
        connected.sendall(OK)
        connected.sendall(b"HTTP/1.1 500 Surprise\r\nContent-Length: 0\r\n\r\n")
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        with suppress(OSError):
            connected.recv(1)  # the other side hangs up

    with channel_to(authority, babble, answer(OK)) as (channel, request):
        outcomes = [channel.post(request, PATIENCE) for _ in range(2)]
    assert [outcome.status for outcome in outcomes if isinstance(outcome, Response)] == [200, 200]


@pytest.mark.parametrize("politely", [True, False])
def test_a_server_that_hangs_up_gave_no_answer(authority: trustme.CA, politely: bool) -> None:
    def hang_up(connected: socket.socket) -> None:
        read_request(connected)
        if politely:
            assert isinstance(connected, ssl.SSLSocket)
            with suppress(OSError):
                connected.unwrap()

    with channel_to(authority, hang_up) as (channel, request):
        outcome = channel.post(request, PATIENCE)
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, ConnectionResetError)
    assert outcome.sent


def test_nothing_was_sent_to_a_server_that_hangs_up_instead_of_shaking_hands() -> None:
    def hang_up(connected: socket.socket) -> None:
        connected.recv(1)
        connected.shutdown(socket.SHUT_WR)
        while connected.recv(65536):
            pass

    with scripted(hang_up) as port:
        url = f"https://127.0.0.1:{port}/"
        outcome = Channel(Settings(url)).post(Request(url, {}, b"{}"), PATIENCE)
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, ssl.SSLError)
    assert not outcome.sent
