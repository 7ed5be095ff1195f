"""Calling an ASGI application in process, as a server does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

# Any: ASGI's messages are mappings of anything.
Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def http(path: str = "/", *, method: str = "GET", headers: Iterable[tuple[str, str]] = (), **more: Any) -> Scope:
    """What a server tells of a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in (("host", "shop.test"), *headers)],
        **more,
    }


def websocket(path: str = "/", **more: Any) -> Scope:
    """What a server tells of a WebSocket."""
    scope = http(path, **more)
    del scope["method"]
    return {**scope, "type": "websocket", "scheme": "ws", "extensions": {"websocket.http.response": {}}}


def lifespan() -> Scope:
    return {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}


class Call:
    """One call of an application. ``gone``: the client is, and who tells it something learns that."""

    def __init__(self, app: Application, scope: Scope, *told: Message, gone: bool = False) -> None:
        self.said: list[Message] = []
        self.raised: Exception | None = None
        self._app = app
        self._scope = scope
        self._told = iter(told)
        self._gone = gone

    async def run(self) -> Call:
        try:
            await self._app(self._scope, self.receive, self.send)
        except Exception as error:
            self.raised = error
        return self

    @property
    def status(self) -> int:
        return int(self._start["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self._start["headers"]}

    @property
    def event_id(self) -> str | None:
        """The event that the answer names."""
        return self.headers.get("x-sentry-id")

    @property
    def body(self) -> str:
        return b"".join(message["body"] for message in self.said if "body" in message).decode()

    @property
    def _start(self) -> Message:
        (start,) = (message for message in self.said if message["type"].endswith("http.response.start"))
        return start

    async def receive(self) -> Message:
        return next(self._told, {"type": "http.disconnect"})

    async def send(self, message: Message) -> None:
        if self._gone:
            raise OSError("the client is gone")
        self.said.append(message)


def call(app: Application, scope: Scope, *told: Message, gone: bool = False) -> Call:
    """Call an application on a loop of its own."""
    return asyncio.run(Call(app, scope, *told, gone=gone).run())
