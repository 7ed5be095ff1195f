"""Any ASGI application: ``application = SentryMiddleware(application, dsn="…")``.

What an application raises while it serves a request or a WebSocket, while it starts or while it ends is reported,
once. Each connection has a scope of its own, which everything has that is started for it. When the server starts, the
transport begins on its loop; when it ends, what is left is sent. Framework's own modules build on this one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.work import Work
from asyncsentry.integrations._asgi import (
    Answer,
    Application,
    AsgiScope,
    Body,
    Receive,
    Send,
    request_of,
)
from asyncsentry.integrations._clients import Clients, body_limit, choose
from asyncsentry.integrations._errors import Errors, ErrorTypes, never
from asyncsentry.integrations._lifespan import Life
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.events.http import HttpRequest
    from asyncsentry.types import OptionArguments

__all__ = ["SentryMiddleware"]

DescribeScope: TypeAlias = Callable[[AsgiScope, "HttpRequest"], Work]
"""What is known of a connection: asked when an event is made, with the ASGI scope as the framework has left it."""

_WATCHED: Final = frozenset({"http", "websocket", "lifespan"})


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
    """The middleware itself, as the modules of frameworks use it. ``name`` is that of the framework.

    ``harmless`` are the errors that it raises where a client hangs up; ``raises_again`` tells whether it will raise an
    error once more that it is answering. Whoever made one may give it another application, clients or errors.
    """

    def __init__(
        self,
        app: Application,
        clients: Clients,
        name: str,
        describe: DescribeScope,
        failed: Statuses,
        *,
        harmless: ErrorTypes = (),
        raises_again: Callable[[BaseException], bool] = never,
    ) -> None:
        self.app = app
        self.clients = clients
        handled, unhandled = Mechanism(name, handled=True), Mechanism(name, handled=False)
        self.errors = Errors(handled, unhandled, failed, harmless, raises_again)
        self._describe = describe

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        client = self.clients()
        kind = scope["type"]
        if not client.active or kind not in _WATCHED:
            await self.app(scope, receive, send)
            return
        if kind == "lifespan":
            await Life(self.app, client, self.errors).live(scope, receive, send)
            return
        limit = body_limit(client)
        body = Body(receive, limit) if limit and kind == "http" else None
        answer = Answer(scope, send, client, self.errors)
        with client.work_scope(partial(self._tell, scope, scope.get("root_path", ""), body)) as answer.known:
            try:
                await self.app(scope, receive if body is None else body.receive, answer.send)
            except Exception as error:
                self.errors.raised(error, client)
                raise

    def _tell(self, scope: AsgiScope, root: str, body: Body | None) -> Work:
        """The connection as it is now, but where it began: who routes within an application moves its root."""
        scope = {**scope, "root_path": root}
        return self._describe(scope, request_of(scope, body))
