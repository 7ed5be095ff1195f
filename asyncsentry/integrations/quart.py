"""Quart: ``setup(app, "https://…")``.

What a handler, a background task or the start and the end of the application raise is reported, once. Each request and
each WebSocket has a scope of its own, which everything has that is started for it. When the server starts, the
transport begins on its loop; when it ends, what is left is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar

from quart import Quart, g, has_app_context, signals
from quart.wrappers import base

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.http import HttpRequest
from asyncsentry.events.work import Work
from asyncsentry.integrations._asgi import CAUGHT, AsgiScope, Send
from asyncsentry.integrations._clients import Clients, choose, nobody
from asyncsentry.integrations._groups import alone
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.integrations.asgi import Watch
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from quart.wrappers import Request, Websocket
    from typing_extensions import Unpack
    from werkzeug.routing import Rule

    from asyncsentry.types import OptionArguments

__all__ = ["setup"]

_UNHANDLED: Final = Mechanism("quart", handled=False)

_IN_REQUESTS: Final = (signals.got_request_exception, signals.got_websocket_exception)

_SIGNALS: Final = (*_IN_REQUESTS, signals.got_background_exception, signals.got_serving_exception)

_NAME: Final = "asyncsentry"
"""Under which an application knows its extension."""

_NOTHING: Final = object()

Answer = TypeVar("Answer")


class _Never(Exception):
    """Nobody raises it."""


# Before it there was none: Quart cancelled the handler, or let it go on.
_GONE: Final[type[Exception]] = getattr(base, "ClientDisconnectedError", _Never)


def setup(
    app: Quart,
    dsn: str | None = None,
    *,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    failed_request_status_codes: Statuses = FAILED,
    **options: Unpack[OptionArguments],
) -> Callable[[], None]:
    """Watch an application; what this returns ends that again.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. An error that an error handler of the application answers is reported, as
    handled, if the status is among ``failed_request_status_codes``, and so is an ``HTTPException`` with such a status.
    Of a second call for one application the arguments count. Raises `SetupError`.
    """
    failed = statuses(failed_request_status_codes)
    clients = choose(dsn, client=client, transport=transport, **options)
    before = app.extensions.get(_NAME)
    if isinstance(before, _Watched):
        before.uninstall()
    watched = app.extensions[_NAME] = _Watched(app, clients, failed)
    return watched.uninstall


class _Visit:
    """A request, or a WebSocket, that Quart has in hand."""

    def __init__(self, request: Request | Websocket) -> None:
        self._request: Request | Websocket | None = request
        self._scope: Any = request.scope
        self._rule: Rule | None = None
        self.user: str | None = None

    def route(self) -> str | None:
        rule = self._rule if self._request is None else self._request.url_rule
        return None if rule is None else rule.rule

    def catch(self, error: Exception | None) -> None:
        """An error handler of the application, or Quart's own, perhaps answers this; or none answers anything."""
        self._scope[CAUGHT] = error

    def end(self) -> None:
        """Keep, for what was started here and goes on, no more than who it was for and which route it took."""
        self._rule = None if self._request is None else self._request.url_rule
        self.catch(None)
        self._request = None


_visit: ContextVar[_Visit | None] = ContextVar("asyncsentry_quart", default=None)


class _Watched:
    """What is done to one application."""

    def __init__(self, app: Quart, clients: Clients, failed: Statuses) -> None:
        self._app = app
        self._clients = clients
        self._replaced: dict[str, tuple[Any, Any]] = {}
        served: Any = app.asgi_app  # whose types are those of a package of Quart's own
        self._replace("asgi_app", Watch(served, self.client, "quart", self._describe, failed, harmless=(_GONE,)))
        self._replace("asgi_http_class", _watching_requests(app.asgi_http_class, self))
        self._replace("asgi_websocket_class", _watching_websockets(app.asgi_websocket_class, self))
        self._replace("handle_user_exception", self._noting(app.handle_user_exception))
        for signal in _SIGNALS:
            signal.connect(self._hear_unanswered if signal in _IN_REQUESTS else self._hear, app)

    def _replace(self, name: str, ours: Any) -> None:
        self._replaced[name] = ours, vars(self._app).get(name, _NOTHING)
        setattr(self._app, name, ours)

    def uninstall(self) -> None:
        """Put back what was there; where somebody has wrapped ours since, it stays, and does nothing."""
        self._clients = nobody
        for signal in _SIGNALS:
            signal.disconnect(self._hear, self._app)
            signal.disconnect(self._hear_unanswered, self._app)
        for name, (ours, before) in self._replaced.items():
            if vars(self._app).get(name) is not ours:
                continue
            if before is _NOTHING:
                delattr(self._app, name)
            else:
                setattr(self._app, name, before)

    def client(self) -> Client[Any]:
        return self._clients()

    def lose(self, error: Exception) -> None:
        """Nobody has answered an error."""
        if isinstance(error, _GONE):
            self.client().disregard(error)
        else:
            self.client().report(alone(error), _UNHANDLED)  # Quart groups what is raised as a context ends

    async def attend(self, request: Request | Websocket, handling: Awaitable[None]) -> None:
        """Serve a request, or a WebSocket, in the task that Quart has started for it."""
        visit = _Visit(request)
        _visit.set(visit)
        try:
            await handling
        except Exception as error:
            self.lose(error)
            raise
        finally:
            visit.end()

    def _noting(self, handle: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
        def handle_user_exception(*args: Any) -> Awaitable[Answer]:  # no coroutine: it would be in the traceback
            visit = _visit.get()
            if visit is not None:
                visit.catch(args[-1])
                visit.user = _user(self._app)
            return handle(*args)

        return handle_user_exception

    async def _hear_unanswered(self, _: Quart, exception: Exception, **__: object) -> None:
        visit = _visit.get()
        if visit is not None:
            visit.catch(None)  # if that was another error, this one was raised where it should have been answered
        self.lose(exception)

    async def _hear(self, _: Quart, exception: Exception, **__: object) -> None:
        self.lose(exception)

    def _describe(self, scope: AsgiScope, request: HttpRequest) -> Work:
        visit = _visit.get()
        route = None if visit is None else visit.route()
        user = _user(self._app) or (None if visit is None else visit.user)
        return Work(
            transaction=route or scope["path"],
            source="url" if route is None else "route",
            request=request,
            user=None if user is None else {"id": user},
        )


def _watching_requests(connection: type[Any], watched: _Watched) -> type[Any]:
    class Connection(connection):  # type: ignore[misc]  # of whatever class the application has chosen
        async def handle_request(self, request: Request, send: Send) -> None:
            await watched.attend(request, super().handle_request(request, send))

    return Connection


def _watching_websockets(connection: type[Any], watched: _Watched) -> type[Any]:
    class Connection(connection):  # type: ignore[misc]  # of whatever class the application has chosen
        async def handle_websocket(self, websocket: Websocket, send: Send) -> None:
            await watched.attend(websocket, super().handle_websocket(websocket, send))

    return Connection


def _user(app: Quart) -> str | None:
    """Whom Quart-Auth has found to be the user already; it is not asked to find out."""
    for extension in app.extensions.get("QUART_AUTH", ()):
        user = vars(g._get_current_object()).get(extension.attribute_name) if has_app_context() else None
        if user is not None:
            return str(user.auth_id)
    return None
