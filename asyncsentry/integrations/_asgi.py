"""A connection of ASGI, watched while an application serves it: https://asgi.readthedocs.io/en/latest/specs/www.html"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from asyncsentry.client import Client
from asyncsentry.events.http import HttpRequest, declared_size
from asyncsentry.integrations._errors import Errors, in_hand
from asyncsentry.integrations._statuses import EVENT_ID_HEADER
from asyncsentry.scope import Scope

# Any: ASGI's own types are mappings of anything.
AsgiScope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[AsgiScope, Receive, Send], Awaitable[None]]

STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start"})
"""What an answer begins with."""

CAUGHT: Final = "asyncsentry.caught"
"""In the scope: an error that the application's middleware must have caught, if an answer begins afterwards."""

_HEADER: Final = EVENT_ID_HEADER.lower().encode()


class Body:
    """What the application has read of a request's body, as far as an event may show it."""

    __slots__ = ("_chunks", "_left", "_receive")

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit + 1  # one more shows that it is too long
        self._chunks: list[bytes] = []

    async def receive(self) -> Message:
        """Stands in for ASGI's ``receive``."""
        message = await self._receive()
        if message["type"] == "http.request" and self._left > 0 and (chunk := message.get("body")):
            self._chunks.append(chunk[: self._left])
            self._left -= len(chunk)
        return message

    def read(self) -> bytes:
        return b"".join(self._chunks)


class Answer:
    """ASGI's ``send``: reports what is answered with a failed status, and names the event in the answer."""

    __slots__ = ("_before", "_client", "_errors", "_scope", "_send", "known")

    def __init__(self, scope: AsgiScope, send: Send, client: Client[Any], errors: Errors) -> None:
        self._scope = scope
        self._send = send
        self._client = client
        self._errors = errors
        self._before = sys.exc_info()[1]
        self.known: Scope | None = None
        """What is known of the connection, and with it the event that was captured last."""

    async def send(self, message: Message) -> None:
        """Stands in for ASGI's ``send``."""
        if message["type"] in STARTS:
            error = in_hand(self._before)
            if error is None:
                error = self._scope.get(CAUGHT)
            if error is not None:
                self._errors.answered(error, message["status"], self._client)
            if self.known is not None and self.known.last_event_id is not None:
                named = (_HEADER, self.known.last_event_id.encode())
                message = {**message, "headers": [*message.get("headers", ()), named]}
        try:
            await self._send(message)
        except OSError as error:  # the client is gone
            self._client.disregard(error)
            raise


def request_of(scope: AsgiScope, body: Body | None) -> HttpRequest:
    """The request, or the handshake, that a connection began with."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    given = {name.lower(): value for name, value in headers}
    return HttpRequest(
        method=scope.get("method", "GET"),
        url=_url(scope, given.get("host")),
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers,
        env=_environment(scope),
        body=None if body is None else body.read(),
        body_size=declared_size(given.get("content-length")),
    )


def _url(scope: AsgiScope, host: str | None) -> str:
    root, path = scope.get("root_path", ""), scope["path"]
    if not path.startswith(root):  # before version 3 of the specification a path had no root in it
        path = root + path
    scheme = scope.get("scheme", "http")
    return f"{scheme}://{host or _address(scope.get('server'))}{path}"


def _address(server: Any) -> str:
    if not server:
        return "localhost"
    name, port = server
    return f"[{name}]:{port}" if ":" in name else name if port is None else f"{name}:{port}"


def _environment(scope: AsgiScope) -> dict[str, str]:
    environment = {}
    if scope.get("server"):
        name, port = scope["server"]
        environment = {"SERVER_NAME": str(name)} | ({} if port is None else {"SERVER_PORT": str(port)})
    if scope.get("client"):
        environment["REMOTE_ADDR"] = str(scope["client"][0])
    return environment
