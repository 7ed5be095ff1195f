"""Falcon: ``setup(app, "https://…")``, where the application is made, for WSGI and for ASGI.

What nobody handles is reported, also where Falcon answers it with 500, and in middleware, streams, server-sent events,
WebSockets and the lifespan. What an error handler of the application's answers is reported if the answer has a failed
status, as handled, and so is an ``HTTPError`` of such a status. An ``HTTPStatus`` is an answer and no error.

Falcon asks one handler for an error, the most particular one, and the application adds to them at any time. Its error
reporter, which there is only one of, is told neither the answer nor who gave it. So what is watched is the place where
Falcon asks: on the application itself, by a class of its own, for its instances have no room for anything else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import falcon
import falcon.asgi

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.work import Work
from asyncsentry.integrations import asgi, wsgi
from asyncsentry.integrations._asgi import AsgiScope, Receive, Send
from asyncsentry.integrations._clients import Clients, choose
from asyncsentry.integrations._errors import Errors
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.integrations._wsgi import Environ, StartResponse
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from typing_extensions import Unpack

    from asyncsentry.events.http import HttpRequest
    from asyncsentry.types import OptionArguments

__all__ = ["setup"]

# Any: requests and responses may be of the application's own classes, and these are Falcon's inner places.
App: TypeAlias = "falcon.App[Any, Any]"
Methods: TypeAlias = dict[str, Any]

_ROUTE: Final = "asyncsentry.falcon.route"
"""The key, in an environ or an ASGI scope, of the pattern that Falcon has found for the request."""

_REQUEST: Final = "asyncsentry.falcon.request"
"""The key, in an ASGI scope, of the request that Falcon has made of it."""


def setup(
    app: App,
    dsn: str | None = None,
    *,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    failed_request_status_codes: Statuses = FAILED,
    **options: Unpack[OptionArguments],
) -> Callable[[], None]:
    """Watch an application, of WSGI or of ASGI; gives a function that ends it.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. An error that the application answers is reported if the status is among
    ``failed_request_status_codes``, as handled. Of two calls the later counts. Raises `SetupError`.
    """
    errors = Errors(
        Mechanism("falcon", handled=True),
        Mechanism("falcon", handled=False),
        statuses(failed_request_status_codes),
        harmless=(falcon.WebSocketDisconnected,),
    )
    clients = choose(dsn, client=client, transport=transport, **options)
    watched = type(app)
    kind: Any = watched.__base__ if _ROUTE in vars(watched) else watched
    methods = _of_asgi if isinstance(app, falcon.asgi.App) else _of_wsgi
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    ours: Any = type(
        kind.__name__, (kind,), {**names, "__slots__": (), _ROUTE: True, **methods(app, kind, clients, errors)}
    )
    app.__class__ = ours

    def uninstall() -> None:
        if type(app) is ours:
            app.__class__ = kind

    return uninstall


def _of_wsgi(app: App, kind: Any, clients: Clients, errors: Errors) -> Methods:
    """What an application of WSGI does otherwise than others of its ``kind``."""
    watch = wsgi.Watch(partial(kind.__call__, app), clients, "falcon", describe, errors.failed)

    def serve(self: App, env: Environ, start_response: StartResponse) -> Iterable[bytes]:  # noqa: ARG001 - a method
        return watch(env, start_response)

    def handle(self: App, req: Any, resp: Any, ex: Exception, params: Any) -> bool:
        client = clients()
        if _has_no_other(self, ex):
            errors.raised(ex, client)
        answered: bool = kind._handle_exception(self, req, resp, ex, params)
        _report_answered(ex, resp, errors, client)
        return answered

    def find(self: App, req: Any) -> Any:
        return _note_route(req.env, kind._get_responder(self, req))

    return {"__call__": serve, "_handle_exception": handle, "_get_responder": find}


def _of_asgi(app: App, kind: Any, clients: Clients, errors: Errors) -> Methods:
    """What an application of ASGI does otherwise than others of its ``kind``."""
    serve_as_ever: Callable[[AsgiScope, Receive, Send], Awaitable[None]] = partial(kind.__call__, app)
    watch = asgi.Watch(serve_as_ever, clients, "falcon", describe_scope, errors.failed, harmless=errors.harmless)

    async def serve(self: App, scope: AsgiScope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - a method
        try:
            await watch(scope, receive, send)
        finally:
            scope.pop(_REQUEST, None)  # which holds the scope

    async def handle(self: App, req: Any, resp: Any, ex: Exception, params: Any, ws: Any = None) -> bool:
        client, req.scope[_REQUEST] = clients(), req
        if _has_no_other(self, ex):
            errors.raised(ex, client)
        answered: bool = await kind._handle_exception(self, req, resp, ex, params, ws=ws)
        _report_answered(ex, resp, errors, client)
        return answered

    def find(self: App, req: Any) -> Any:
        req.scope[_REQUEST] = req
        return _note_route(req.scope, kind._get_responder(self, req))

    return {"__call__": serve, "_handle_exception": handle, "_get_responder": find}


def _has_no_other(app: App, error: Exception) -> bool:
    """Whether only Falcon itself answers this error: it logs it and answers 500, or closes the WebSocket."""
    return app._find_error_handler(error) == app._python_error_handler


def _report_answered(error: Exception, resp: Any, errors: Errors, client: Client[Any]) -> None:
    """Report an error that was answered, if its status says so. A WebSocket's answer is that it is closed."""
    status = _status(error if resp is None else resp)
    if status in errors.failed and not issubclass(type(error), falcon.HTTPStatus):
        client.report(error, errors.handled)


def _status(answer: Any) -> int:
    """The status of a response, or of an ``HTTPError``; 0 for what is none."""
    try:
        return int(answer.status_code)
    except (AttributeError, ValueError):  # no such error; no such status, which Falcon is about to say itself
        return 0


def _note_route(place: MutableMapping[str, Any], found: Any) -> Any:
    """Note the last part of what Falcon finds: the pattern that matched, or None."""
    place[_ROUTE] = found[-1]
    return found


def describe(environ: Environ, request: HttpRequest) -> Work:
    """A request is named by its route's pattern, and where it has none by its path."""
    return _name(wsgi.describe(environ, request), environ)


def describe_scope(scope: AsgiScope, request: HttpRequest) -> Work:
    """The same for ASGI, where Falcon receives the first part of a body; who reads it asks for the stream of it."""
    if getattr(scope.get(_REQUEST), "_stream", ...) is None:
        request = replace(request, body=None)
    return _name(asgi.describe(scope, request), scope)


def _name(work: Work, place: MutableMapping[str, Any]) -> Work:
    route = place.get(_ROUTE)
    return Work(route, "route", work.request, work.user) if route else work
