"""One connection of ASGI in this process, for what no client over a socket can bring about when it wants to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

Message = dict[str, Any]

NOTHING: Message = {"type": "http.request", "body": b"", "more_body": False}
GONE: Message = {"type": "http.disconnect"}


class Connection:
    """A connection that sends these messages, and leaves once it is answered."""

    def __init__(self, *messages: Message, kind: str = "http", method: str = "GET", deaf: bool = False) -> None:
        """A ``deaf`` client is gone when it is to hear something."""
        self.sent: list[Message] = []
        """What the application has answered."""
        self.raised: BaseException | None = None
        """What came out of it in the end."""
        self._messages = list(messages)
        self._kind = kind
        self._method = method
        self._deaf = deaf

    @property
    def status(self) -> int | None:
        return next((message["status"] for message in self.sent if "status" in message), None)

    @property
    def headers(self) -> Mapping[bytes, bytes]:
        headers = next((message["headers"] for message in self.sent if "headers" in message), ())
        return {name.lower(): value for name, value in headers}

    def to(self, app: Any, path: str) -> Connection:
        asyncio.run(self.serve(app, path))
        return self

    async def serve(self, app: Any, path: str) -> None:
        server, client = ("127.0.0.1", 80), ("127.0.0.1", 50000)
        of_http, of_websockets = {"method": self._method, "scheme": "http"}, {"scheme": "ws", "subprotocols": []}
        scope = {
            "type": self._kind,
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost")],
            "server": server,
            "client": client,
            "extensions": {},
            **(of_http if self._kind == "http" else of_websockets),
        }
        answered = asyncio.Event()

        async def receive() -> Message:
            if self._messages:
                return self._messages.pop(0)
            await answered.wait()
            return {"type": f"{self._kind}.disconnect", "code": 1000}

        async def send(message: Message) -> None:
            if self._deaf:
                raise BrokenPipeError("nobody hears this")
            self.sent.append(message)
            if message["type"] in ("http.response.body", "websocket.close") and not message.get("more_body"):
                answered.set()

        try:
            await app(scope, receive, send)
        except Exception as error:
            self.raised = error


def ask(app: Any, path: str, *messages: Message, method: str = "GET", deaf: bool = False) -> Connection:
    """A request."""
    return Connection(*(messages or (NOTHING,)), method=method, deaf=deaf).to(app, path)


def converse(app: Any, path: str, *said: str, deaf: bool = False) -> Connection:
    """A WebSocket on which this is said."""
    heard: list[Message] = [{"type": "websocket.receive", "text": text, "bytes": None} for text in said]
    return Connection({"type": "websocket.connect"}, *heard, kind="websocket", deaf=deaf).to(app, path)
