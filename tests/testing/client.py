"""A client that sends exactly what a test says."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from asyncsentry.testing import LocalSentry

PATIENCE = 20.0
"""Seconds after which a client that still waits has found a bug."""

KEY = "a" * 32
PATH = "/api/1/envelope/"
AUTH = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_client=tests/1.0, sentry_key={KEY}"}

EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
HEADERS = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}'


def event_envelope(message: str = "hi") -> bytes:
    payload = json.dumps({"message": message}).encode()
    return b'%s\n{"type":"event","length":%d}\n%s\n' % (HEADERS, len(payload), payload)


@dataclass(frozen=True)
class Said:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def detail(self) -> str:
        detail = json.loads(self.body)["detail"]
        assert isinstance(detail, str)
        return detail


def address(sentry: LocalSentry) -> tuple[str, int]:
    parts = urlsplit(sentry.url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def connect(sentry: LocalSentry) -> closing[http.client.HTTPConnection]:
    """A kept-alive connection of the standard library's client."""
    return closing(http.client.HTTPConnection(*address(sentry), timeout=PATIENCE))


def send(
    connection: http.client.HTTPConnection,
    body: bytes | None = None,
    *,
    method: str = "POST",
    path: str = PATH,
    headers: Mapping[str, str] = AUTH,
) -> Said:
    """One exchange on this connection."""
    connection.request(method, path, event_envelope() if body is None else body, dict(headers))
    response = connection.getresponse()
    return Said(response.status, dict(response.getheaders()), response.read())


def post(
    sentry: LocalSentry,
    body: bytes | None = None,
    *,
    method: str = "POST",
    path: str = PATH,
    headers: Mapping[str, str] = AUTH,
) -> Said:
    """One exchange on a connection of its own."""
    with connect(sentry) as connection:
        return send(connection, body, method=method, path=path, headers=headers)


def raw(sentry: LocalSentry, data: bytes) -> bytes:
    """Everything that the server answers to these bytes, until it hangs up."""
    with socket.create_connection(address(sentry), timeout=PATIENCE) as connected:
        connected.sendall(data)
        connected.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connected.recv(65536), b""))
