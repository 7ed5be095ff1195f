"""Litestar: ``Litestar(…, plugins=[SentryPlugin("https://…")])``, or ``setup(app, "https://…")``.

What a handler, a dependency, a guard, a middleware, a background task or the start and the end of the application raise
is reported, once. Each request and each WebSocket has a scope of its own, which everything has that is started for it.
When the server starts, the transport begins on its loop; when it ends, what is left is sent.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from logging import LogRecord
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

from litestar import Litestar
from litestar.exceptions import HTTPException, LitestarException, WebSocketDisconnect, WebSocketException
from litestar.plugins.base import ReceiveRoutePlugin

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.http import HttpRequest
from asyncsentry.events.work import Work
from asyncsentry.hooks.logging import claim
from asyncsentry.integrations._asgi import AsgiScope, Message, Receive, Send
from asyncsentry.integrations._clients import Clients, choose, nobody
from asyncsentry.integrations._groups import alone
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.integrations.asgi import Watch
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from litestar.routes import BaseRoute
    from typing_extensions import Unpack

    from asyncsentry.types import OptionArguments

__all__ = ["SentryPlugin", "setup"]

_UNHANDLED: Final = Mechanism("litestar", handled=False)
_HANDLED: Final = Mechanism("litestar", handled=True)

_GONE: Final = "client disconnected prematurely"
"""What Litestar says, with a status of 500, where a client leaves in the midst of its request's body."""

_APPLICATION_CODES: Final = 4000
"""A WebSocket that is closed for an error with a status has that status and this as its code."""

_USER: Final = ("id", "username", "email")
"""What is shown of whom the application's authentication has found to be the user."""


class SentryPlugin(ReceiveRoutePlugin):
    """Watches each application that it is given to: ``Litestar(…, plugins=[SentryPlugin("https://…")])``.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. An error that the application, or Litestar for it, answers is reported, as
    handled, if the status is among ``failed_request_status_codes``. Raises `SetupError`.
    """

    def __init__(
        self,
        dsn: str | None = None,
        *,
        client: Client[Any] | None = None,
        transport: TransportOption | None = None,
        failed_request_status_codes: Statuses = FAILED,
        **options: Unpack[OptionArguments],
    ) -> None:
        self._failed = statuses(failed_request_status_codes)
        self._clients = choose(dsn, client=client, transport=transport, **options)

    def receive_route(self, route: BaseRoute) -> None:
        """Called by Litestar for each route: the first tells of the application."""
        handlers: Any = getattr(route, "route_handlers", None)  # one per method, if it is a route for requests
        handler: Any = handlers[0] if handlers else getattr(route, "route_handler", None)
        app = handler.ownership_layers[0]
        if not isinstance(app.asgi_router, _Router):
            _Watched(app, self._clients, self._failed)


def setup(
    app: Litestar,
    dsn: str | None = None,
    *,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    failed_request_status_codes: Statuses = FAILED,
    **options: Unpack[OptionArguments],
) -> Callable[[], None]:
    """Watch an application that was made without the plugin; what this returns ends that again.

    The arguments are those of `SentryPlugin`. Of a second call for one application the arguments count.
    """
    failed = statuses(failed_request_status_codes)
    clients = choose(dsn, client=client, transport=transport, **options)
    router: Any = app.asgi_router
    if isinstance(router, _Router):
        router.watched.uninstall()
    return _Watched(app, clients, failed).uninstall


class _Watched:
    """What is done to one application."""

    # Any: the types of a Litestar know nothing of what stands in for its own.
    def __init__(self, app: Any, clients: Clients, failed: Statuses) -> None:
        self._app = app
        self._clients = clients
        self._failed = failed
        self._handler: Any = None
        self._router = self._app.asgi_router
        self._watch = Watch(self._serve, self.client, "litestar", _describe, failed, harmless=(WebSocketDisconnect,))
        self._app.asgi_router = _Router(self, self._router)
        self._app.after_exception.insert(0, self._note)
        self._hear_logs = claim(self._claims)
        if hasattr(app, "asgi_handler"):
            self.enclose()

    def client(self) -> Client[Any]:
        return self._clients()

    def enclose(self) -> None:
        """Watch requests, too: of a plugin, the application has no handler yet when it sets this up."""
        if self._handler is None:
            self._handler = self._app.asgi_handler
            self._app.asgi_handler = self._watch

    def uninstall(self) -> None:
        """Put back what was there; where somebody has wrapped ours since, it stays, and does nothing."""
        self._clients = nobody
        self._hear_logs()
        if self._note in self._app.after_exception:
            self._app.after_exception.remove(self._note)
        if getattr(self._app.asgi_router, "watched", None) is self:
            self._app.asgi_router = self._router
        if self._handler is not None and self._app.asgi_handler is self._watch:
            self._app.asgi_handler = self._handler

    async def live(self, receive: Receive, send: Send) -> None:
        self.enclose()
        await self._watch({"type": "lifespan"}, receive, send)

    async def _serve(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._router.lifespan(receive=receive, send=self._telling_why(send))
            return
        try:
            await self._handler(scope, receive, send)
        except LitestarException as error:
            raised = _raised_after_the_start(error)
            if raised is not None:
                self.client().report(raised, _UNHANDLED)
                self.client().disregard(error)
            raise

    def _telling_why(self, send: Send) -> Send:
        """Litestar runs an application's life in a group of tasks; what is told as its failure is a group of errors."""

        def say(message: Message) -> Awaitable[None]:
            error = sys.exc_info()[1]
            if isinstance(error, Exception):
                self.client().report(alone(error), _UNHANDLED)
            return send(message)

        return say

    async def _note(self, error: Exception, scope: AsgiScope) -> None:
        """What Litestar calls with each error before it is answered."""
        client = self.client()
        status = _status_of(error)
        if isinstance(error, WebSocketDisconnect) or (isinstance(error, HTTPException) and error.detail == _GONE):
            client.disregard(error)
        elif scope["type"] == "websocket" and status is not None:
            if status in self._failed:
                client.report(error, _HANDLED)
        elif status is None and not _has_handler(error, scope):
            client.report(error, _UNHANDLED)

    def _claims(self, record: LogRecord) -> bool:
        """Whether Litestar logs an error that is told to us next."""
        is_theirs = record.name == "litestar" and str(record.msg).startswith("Uncaught exception")
        return is_theirs and record.exc_info is not None and self.client().active


class _Router:
    """Stands in for an application's router, which is told of the application's life; nothing in it can be changed."""

    def __init__(self, watched: _Watched, router: Any) -> None:
        self.watched = watched
        self._router = router

    def __getattr__(self, name: str) -> Any:
        return getattr(self._router, name)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        self.watched.enclose()  # for the next request, on a server that tells nothing of the application's life
        await self._router(scope, receive, send)

    async def lifespan(self, receive: Receive, send: Send) -> None:
        await self.watched.live(receive, send)


def _raised_after_the_start(error: LitestarException) -> BaseException | None:
    """What was raised after the answer had begun: Litestar raises another error from it, perhaps several times."""
    raised: BaseException | None = error
    while type(raised) is LitestarException:
        raised = raised.__cause__
    return None if raised is None or raised is error else alone(raised)


def _status_of(error: Exception) -> int | None:
    if isinstance(error, HTTPException):
        return error.status_code
    return error.code - _APPLICATION_CODES if isinstance(error, WebSocketException) else None


def _has_handler(error: Exception, scope: AsgiScope) -> bool:
    """Whether the application has an exception handler for this error."""
    route = scope.get("route_handler")
    handlers = scope["litestar_app"].exception_handlers if route is None else route.resolve_exception_handlers()
    return scope["type"] == "http" and (500 in handlers or any(kind in handlers for kind in type(error).__mro__))


def _describe(scope: AsgiScope, request: HttpRequest) -> Work:
    route = scope.get("path_template")
    known = {name: _loaded(scope.get("user"), name) for name in _USER}
    return Work(
        transaction=route or scope["path"],
        source="route" if route else "url",
        request=request,
        user={name: fact for name, fact in known.items() if fact is not None},
    )


def _loaded(user: object, name: str) -> object:
    """What a user says under this name: nothing is computed for it, nor asked of a database."""
    if isinstance(user, Mapping):
        return user.get(name)
    own = getattr(user, "__dict__", {})
    if name in own:
        return own[name]
    slot = next((vars(kind)[name] for kind in type(user).__mro__ if name in vars(kind)), None)
    return getattr(user, name, None) if isinstance(slot, MemberDescriptorType) else None
