"""What is particular to the transports on requests."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import trustme

from asyncsentry.testing import Answer, LocalSentry
from asyncsentry.transport.protocol import NoResponse, Request, Response
from asyncsentry.transport.settings import Settings
from asyncsentry_transports._requests_session import Session
from testing.client import AUTH
from transports.scripted import answer, read_request, scripted
from transports.style import PATIENCE, event_request

UNKNOWN_FAMILY = 200


def test_no_cookies_are_kept(sentry: LocalSentry) -> None:
    sentry.answer(Answer(headers={"Set-Cookie": "a=b; Path=/"}), Answer())
    session = Session(Settings(sentry.url))
    for _ in range(2):
        assert isinstance(session.post(event_request(sentry), PATIENCE), Response)
    session.close()
    assert all("cookie" not in request.headers for request in sentry.requests)


def test_a_head_that_comes_drop_by_drop_is_not_waited_for(sentry: LocalSentry) -> None:
    def drip(connected: socket.socket) -> None:
        read_request(connected)
        try:
            for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
                connected.sendall(bytes([letter]))
                time.sleep(0.02)
        except OSError:
            return  # nobody listens any more

    with scripted(drip) as port:
        url = f"http://127.0.0.1:{port}/api/1/envelope/"
        session, began = Session(Settings(url)), time.monotonic()
        outcome = session.post(Request(url, AUTH, b"{}"), 0.3)
        assert time.monotonic() - began < PATIENCE / 4
        session.close()
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, TimeoutError)
    assert outcome.sent


def test_an_address_of_a_family_that_is_not_here_is_passed_over(
    sentry: LocalSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(host: str, port: int, **options: Any) -> list[Any]:
        return [(UNKNOWN_FAMILY, socket.SOCK_STREAM, 0, "", ("::1", port)), *getaddrinfo(host, port, **options)]

    getaddrinfo = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", odd)
    session = Session(Settings(sentry.url))
    assert isinstance(session.post(event_request(sentry), PATIENCE), Response)
    session.close()


@contextmanager
def crowded() -> Iterator[str]:
    """A server that answers to no attempt to connect, as its queue is full."""
    with ExitStack() as sockets:
        listening = sockets.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(3):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/api/1/envelope/"


def test_a_post_that_is_about_to_connect_can_be_ended() -> None:
    outcomes: list[Response | NoResponse] = []
    with crowded() as url:
        session, began = Session(Settings(url)), time.monotonic()
        post = threading.Thread(target=lambda: outcomes.append(session.post(Request(url, AUTH, b"{}"), PATIENCE)))
        post.start()
        while session._watch._line is None:
            assert time.monotonic() - began < PATIENCE / 2
            time.sleep(0.001)
        while post.is_alive():
            session.abort()  # and again, in case it was about to be
            post.join(0.1)
        session.close()
    assert time.monotonic() - began < PATIENCE / 2
    (outcome,) = outcomes
    assert isinstance(outcome, NoResponse)
    assert not outcome.sent


def test_an_answer_that_comes_before_all_of_a_request_is_one() -> None:
    """A refusal, mostly: the server does not read on."""

    def refuse(connected: socket.socket) -> None:
        connected.recv(1000)
        connected.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connected.shutdown(socket.SHUT_WR)
        while connected.recv(100_000):
            pass

    with scripted(refuse) as port:
        url = f"http://127.0.0.1:{port}/api/1/envelope/"
        session = Session(Settings(url))
        outcome = session.post(Request(url, AUTH, b"x" * 3_000_000), PATIENCE)
        session.close()
    assert isinstance(outcome, Response)
    assert outcome.status == 413


def test_a_context_of_the_users_trusts_whom_it_trusted_before() -> None:
    authority, server = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    with LocalSentry(ssl_context=server) as sentry:
        session = Session(Settings(sentry.url, ssl_context=context))
        assert isinstance(session.post(event_request(sentry), PATIENCE), Response)
        session.close()
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_an_answer_of_no_length_ends_with_its_connection(body: bytes) -> None:
    with scripted(answer(b"HTTP/1.1 200 OK\r\n\r\n" + body)) as port:
        url = f"http://127.0.0.1:{port}/api/1/envelope/"
        session = Session(Settings(url))
        outcome = session.post(Request(url, AUTH, b"{}"), 1.0)
        session.close()
    assert isinstance(outcome, Response)
    assert outcome.body == body
