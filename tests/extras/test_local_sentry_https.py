"""The test server over https."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing

import pytest
import trustme

from asyncsentry.testing import Answer, Hang, LocalSentry, Reset
from testing.client import AUTH, PATIENCE, address, event_envelope, send


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def https_sentry(authority: trustme.CA) -> Iterator[LocalSentry]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with LocalSentry(ssl_context=context) as server:
        yield server


@pytest.fixture
def connection(https_sentry: LocalSentry, authority: trustme.CA) -> Iterator[http.client.HTTPSConnection]:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with closing(http.client.HTTPSConnection(*address(https_sentry), context=context, timeout=PATIENCE)) as client:
        yield client


def test_requests_are_served_and_connections_kept_alive(
    https_sentry: LocalSentry, connection: http.client.HTTPSConnection
) -> None:
    assert https_sentry.dsn.startswith("https://")
    assert https_sentry.url.startswith("https://")
    assert [send(connection).status, send(connection).status] == [200, 200]
    assert https_sentry.events == ({"message": "hi"}, {"message": "hi"})
    assert https_sentry.connections == 1


def test_a_dropped_connection_is_closed(https_sentry: LocalSentry, connection: http.client.HTTPSConnection) -> None:
    send(connection)
    https_sentry.drop_connections()
    with pytest.raises((OSError, http.client.RemoteDisconnected)):
        send(connection)
    connection.close()
    assert send(connection).status == 200


@pytest.mark.parametrize("reset", [Reset("start"), Reset("request"), Reset("answer")])
def test_a_reset_is_a_reset(https_sentry: LocalSentry, connection: http.client.HTTPSConnection, reset: Reset) -> None:
    https_sentry.answer(reset)
    with pytest.raises((ConnectionResetError, ssl.SSLError, http.client.IncompleteRead)):  # as OpenSSL sees it
        send(connection)


def test_stop_ends_hanging_requests_and_handshakes(
    https_sentry: LocalSentry, connection: http.client.HTTPSConnection
) -> None:
    https_sentry.answer(Hang())
    connection.request("POST", "/api/1/envelope/", event_envelope(), AUTH)
    with socket.create_connection(address(https_sentry), timeout=PATIENCE) as silent:
        https_sentry.wait_for(lambda: https_sentry.requests and https_sentry.open_connections == 2)
        https_sentry.stop()
        assert silent.recv(1) == b""
    assert https_sentry.open_connections == 0


def test_a_client_that_speaks_no_tls_or_trusts_nobody_is_hung_up_on_without_a_fuss(https_sentry: LocalSentry) -> None:
    with closing(http.client.HTTPConnection(*address(https_sentry), timeout=PATIENCE)) as plain:
        plain.request("GET", "/")
        with pytest.raises((http.client.HTTPException, OSError)):
            plain.getresponse()
    distrustful = http.client.HTTPSConnection(*address(https_sentry), timeout=PATIENCE)
    with closing(distrustful), pytest.raises(ssl.SSLCertVerificationError):
        distrustful.connect()
    https_sentry.wait_for(lambda: https_sentry.open_connections == 0)
    assert https_sentry.connections == 2
    assert https_sentry.requests == ()


def test_a_slow_body_comes_whole(https_sentry: LocalSentry, connection: http.client.HTTPSConnection) -> None:
    https_sentry.answer(Answer(body=b"x" * 100, slow_body=0.05))
    assert send(connection).body == b"x" * 100
