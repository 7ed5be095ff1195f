"""What is said on one connection: requests in, replies out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from asyncsentry.testing.answers import Answer, Hang, Reply, Reset, Script
from asyncsentry.testing.encodings import decompress
from asyncsentry.testing.envelopes import Envelope
from asyncsentry.testing.http1 import CONTINUE, Head, read_body, read_head, response
from asyncsentry.testing.ingest import Ingest
from asyncsentry.testing.listener import Connection
from asyncsentry.testing.received import ReceivedRequest
from asyncsentry.testing.refusals import Refusal

PIECES: Final = 20
"""How many pieces a slow body comes in, at most."""

_NO_HEAD: Final = Head(method="", target="", path="", query="", version="", headers={})


class Conversation:
    """Serves connections: reads each request, records it, and replies as the script says.

    A refused request gets its refusal instead of an `Answer`; it is left hanging or reset like any other.
    """

    def __init__(self, ingest: Ingest, script: Script, record: Callable[[ReceivedRequest], None]) -> None:
        self._ingest = ingest
        self._script = script
        self._record = record

    def serve(self, connection: Connection) -> None:
        """Go on until the client leaves, or the script or HTTP ends it."""
        while connection.stream.peek(1):
            if not self._exchange(connection, self._script.take()):
                return

    def _exchange(self, connection: Connection, reply: Reply) -> bool:
        """One request and its reply; whether another may follow."""
        if reply == Reset("start"):
            connection.reset()
            return False
        reading = _Reading()
        reading.read(connection, self._ingest)
        if reading.refusal and isinstance(reply, Answer):
            reply = Answer(reading.refusal.status, reading.refusal.headers)
        self._record(reading.as_request(connection.number, reply.status))
        return _reply(connection, reply, reading.default_body(reply.status), reusable=reading.reusable)


@dataclass(slots=True)
class _Reading:
    """A request as far as it could be read, and why no further."""

    head: Head = _NO_HEAD
    raw_body: bytes = b""
    body: bytes = b""
    received_at: float = 0.0
    reusable: bool = False
    envelope: Envelope | None = None
    refusal: Refusal | None = None

    def read(self, connection: Connection, ingest: Ingest) -> None:
        try:
            self.head = read_head(connection.stream)
            if self.head.waits_for_continue:
                connection.send(CONTINUE)
            self.raw_body = self.body = read_body(connection.stream, self.head)
            self.received_at = time.time()
            self.reusable = self.head.keeps_alive
            self.body = decompress(self.raw_body, self.head.headers.get("content-encoding", ""))
            self.envelope = ingest.envelope(self.head, self.body)
        except Refusal as refusal:
            self.refusal = refusal

    def as_request(self, connection: int, status: int | None) -> ReceivedRequest:
        return ReceivedRequest(
            method=self.head.method,
            path=self.head.target,
            headers=self.head.headers,
            body=self.body,
            raw_body=self.raw_body,
            received_at=self.received_at or time.time(),
            connection=connection,
            envelope=self.envelope,
            error=str(self.refusal) if self.refusal else None,
            status=status,
        )

    def default_body(self, status: int | None) -> Mapping[str, object]:
        """What Sentry says: the id of the event that it took, or why it took none."""
        if self.refusal:
            return {"detail": str(self.refusal), "causes": []}
        if status != 200:
            return {"detail": f"told to answer {status}", "causes": []}
        event_id = self.envelope.headers.get("event_id") if self.envelope else None
        return {"id": event_id.replace("-", "").lower()} if event_id else {}


def _reply(connection: Connection, reply: Reply, default_body: Mapping[str, object], *, reusable: bool) -> bool:
    if isinstance(reply, Answer):
        return _answer(connection, reply, default_body, reusable=reusable)
    if isinstance(reply, Hang):
        connection.drain()
        return False
    if reply.when == "answer":
        head, body = response(Answer(), default_body, reusable=reusable)
        connection.send(head + body[:1])
    connection.reset()
    return False


def _answer(connection: Connection, answer: Answer, default_body: Mapping[str, object], *, reusable: bool) -> bool:
    head, body = response(answer, default_body, reusable=reusable)
    connection.pause(answer.delay)
    if answer.slow_body > 0:
        connection.send(head)
        _send_slowly(connection, body, answer.slow_body)
    else:
        connection.send(head + body)
    return b"\r\nconnection: close\r\n" not in head


def _send_slowly(connection: Connection, body: bytes, seconds: float) -> None:
    size = max(1, -(-len(body) // PIECES))
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    for piece in pieces:
        connection.pause(seconds / len(pieces))
        connection.send(piece)
