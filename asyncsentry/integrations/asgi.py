"""Any ASGI application: ``application = SentryMiddleware(application, dsn="…")``.

What an application raises while it serves a request or a WebSocket, while it starts or while it ends is reported,
once. Each connection has a scope of its own, which everything has that is started for it. When the server starts, the
transport begins on its loop; when it ends, what is left is sent. Framework's own modules build on this one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.work import Work
from asyncsentry.integrations._asgi import (
    Answer,
    Application,
    AsgiScope,
    Body,
    Message,
    Receive,
    Send,
    request_of,
)
from asyncsentry.integrations._clients import Clients, body_limit, choose
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.events.http import HttpRequest
    from asyncsentry.types import OptionArguments

__all__ = ["SentryMiddleware"]

DescribeScope: TypeAlias = Callable[[AsgiScope, "HttpRequest"], Work]
"""What is known of a connection: asked when an event is made, with the ASGI scope as the framework has left it."""

_ENDING: Final = frozenset({"lifespan.startup.failed", "lifespan.shutdown.complete", "lifespan.shutdown.failed"})


def describe(scope: AsgiScope, request: HttpRequest) -> Work:
    """A connection of no framework that is known: it is named by its path."""
    return Work(transaction=scope["path"], source="url", request=request)


class SentryMiddleware:
    """An ASGI application around another one.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. An error that the application itself answers is reported if the status is
    among ``failed_request_status_codes``, as handled. Raises `SetupError`.
    """

    def __init__(
        self,
        app: Application,
        dsn: str | None = None,
        *,
        client: Client[Any] | None = None,
        transport: TransportOption | None = None,
        failed_request_status_codes: Statuses = FAILED,
        **options: Unpack[OptionArguments],
    ) -> None:
        failed = statuses(failed_request_status_codes)
        clients = choose(dsn, client=client, transport=transport, **options)
        self._watch = Watch(app, clients, "asgi", describe, failed)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self._watch(scope, receive, send)


class Watch:
    """The middleware itself, as the modules of frameworks use it. ``name`` is that of the framework."""

    def __init__(
        self, app: Application, clients: Clients, name: str, describe: DescribeScope, failed: Statuses
    ) -> None:
        self._app = app
        self._clients = clients
        self._describe = describe
        self._failed = failed
        self._unhandled = Mechanism(name, handled=False)
        self._handled = Mechanism(name, handled=True)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        client = self._clients()
        if not client.active or scope["type"] not in ("http", "websocket", "lifespan"):
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(client, scope, receive, send)
        else:
            await self._serve(client, scope, receive, send)

    async def _serve(self, client: Client[Any], scope: AsgiScope, receive: Receive, send: Send) -> None:
        limit = body_limit(client)
        body = Body(receive, limit) if limit and scope["type"] == "http" else None
        answer = Answer(send, client, self._handled, self._failed)
        with client.work_scope(lambda: self._describe(scope, request_of(scope, body))):
            try:
                await self._app(scope, receive if body is None else body.receive, answer.send)
            except Exception as error:
                client.report(error, self._unhandled)
                raise

    async def _live(self, client: Client[Any], scope: AsgiScope, receive: Receive, send: Send) -> None:
        """The application's life. One that raises before it is told to start has none, as ASGI allows."""
        told = False

        async def hear() -> Message:
            nonlocal told
            message = await receive()
            if not told:
                told = True
                client.wake()
            return message

        async def say(message: Message) -> None:
            if message["type"] in _ENDING:
                await client.flush_async()
            await send(message)

        try:
            await self._app(scope, hear, say)
        except Exception as error:
            if told:
                client.report(error, self._unhandled)
                await client.flush_async()
            raise
