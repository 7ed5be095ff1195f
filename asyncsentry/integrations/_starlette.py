"""What Starlette's and FastAPI's modules share: where an application is watched, and what is known of a request."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp
from starlette.websockets import WebSocketDisconnect

from asyncsentry.errors import SetupError
from asyncsentry.events.http import HttpRequest
from asyncsentry.events.work import Work
from asyncsentry.integrations._asgi import CAUGHT, STARTS, AsgiScope, Message, Receive, Send
from asyncsentry.integrations._clients import Clients, nobody
from asyncsentry.integrations._errors import in_hand
from asyncsentry.integrations._statuses import FAILED, Statuses
from asyncsentry.integrations.asgi import Watch

T = TypeVar("T")

_BUILD: Final = "build_middleware_stack"

_REST: Final = "/{path}"
"""What the pattern of a mount ends with: it stands for what is routed further on."""


class Stack:
    """Stands in for an application's ``build_middleware_stack``: what that builds is watched, from outside and within.

    Outside of all there is, for everything may fail. Within what makes an error page, for the page may name the event.
    And within the application's own middleware, some of which serves in another task: there an error that is being
    answered cannot be seen from outside.
    """

    @staticmethod
    def of(app: Starlette, name: str) -> Stack:
        """The application's one, for ``name``'s integration. Raises `SetupError` if it would come too late."""
        stack = vars(app).get(_BUILD)
        if isinstance(stack, Stack):
            return stack
        if app.middleware_stack is not None:
            raise SetupError("the application has begun to serve: set it up where it is made")
        return Stack(app, name)

    def __init__(self, app: Starlette, name: str) -> None:
        self._app = app
        self._build = app.build_middleware_stack
        self._before = vars(app).get(_BUILD)
        self._watch = Watch(
            app.router,
            nobody,
            name,
            partial(describe, app),
            FAILED,
            harmless=(ClientDisconnect, WebSocketDisconnect),
            raises_again=makes_a_page,
        )

    def __call__(self) -> ASGIApp:
        app, watch = self._app, self._watch
        theirs = app.user_middleware
        app.user_middleware = [Middleware(_Outside, watch=watch), *theirs, Middleware(_Inside, watch=watch)]
        try:
            watch.app = self._build()
        finally:
            app.user_middleware = theirs
        return watch

    def install(self, clients: Clients, failed: Statuses) -> Callable[[], None]:
        """Watch for these clients from now on; gives what ends that."""
        vars(self._app)[_BUILD] = self
        self._watch.clients = clients
        self._watch.errors = replace(self._watch.errors, failed=failed)
        return self._uninstall

    def _uninstall(self) -> None:
        self._watch.clients = nobody
        if self._app.middleware_stack is not None or vars(self._app).get(_BUILD) is not self:
            return  # what is built stays, and stays silent
        if self._before is None:
            del vars(self._app)[_BUILD]
        else:
            vars(self._app)[_BUILD] = self._before


class _Outside:
    """The first of the middleware: what comes through it is going to be an error page."""

    def __init__(self, app: ASGIApp, watch: Watch) -> None:
        self.app = app
        self._watch = watch

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            if scope["type"] != "lifespan":  # of which more is known outside
                self._watch.errors.raised(error, self._watch.clients())
            raise
        finally:
            scope.pop(CAUGHT, None)


class _Inside:
    """The last of the middleware: errors that Starlette answers are being handled here, and others come through."""

    def __init__(self, app: ASGIApp, watch: Watch) -> None:
        self.app = app
        self._watch = watch

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, _Answer(send, self._watch))
        except Exception as error:
            scope[CAUGHT] = error
            raise


class _Answer:
    """ASGI's ``send``, as far as the task reaches that the routes are served in."""

    __slots__ = ("_before", "_send", "_watch")

    def __init__(self, send: Send, watch: Watch) -> None:
        self._send = send
        self._watch = watch
        self._before = sys.exc_info()[1]

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] in STARTS:
            error = in_hand(self._before)
            if error is not None:
                self._watch.errors.answered(error, message["status"], self._watch.clients())
        return self._send(message)


def makes_a_page(error: BaseException) -> bool:
    """Whether Starlette is making an error page, after which it raises the error again: also in what is mounted."""
    handling = error.__traceback__
    return handling is not None and handling.tb_frame.f_globals.get("__name__") == ServerErrorMiddleware.__module__


def describe(app: Starlette, scope: AsgiScope, request: HttpRequest) -> Work:
    """A request is named by its route, and where it has none by its path."""
    route, user = _tell(route_of, app.routes, scope), _tell(user_of, scope)
    if route is None:
        return Work(transaction=scope["path"], source="url", request=request, user=user)
    return Work(transaction=route, request=request, user=user)


def _tell(how: Callable[..., T], *what: Any) -> T | None:
    """Nothing, where that fails: routes and users may be of any class."""
    try:
        return how(*what)
    except Exception:
        return None


def route_of(routes: Sequence[BaseRoute], scope: AsgiScope) -> str | None:
    """The patterns of the mounts and of the route that the path matches, joined; None if there is no route."""
    scope = {**scope, "path_params": {}}
    scope.pop("fastapi", None)  # what it found when it routed the request itself
    pattern = ""
    while (found := _match(routes, scope)) is not None:
        route, child_scope = found
        scope.update(child_scope)
        routes = getattr(route, "routes", ())
        own = getattr(route, "path_format", None) or ""  # a host has none
        if not routes:
            return (pattern + own) or None
        pattern += own.removesuffix(_REST)
    return None


def _match(routes: Sequence[BaseRoute], scope: AsgiScope) -> tuple[Any, AsgiScope] | None:
    """The route that Starlette would choose: the first one, but one for other methods only if there is no better."""
    partial_match = None
    for route in _each(routes):
        match, child_scope = route.matches(scope)
        if match is Match.FULL:
            return route, child_scope
        if match is Match.PARTIAL and partial_match is None:
            partial_match = route, child_scope
    return partial_match


def _each(routes: Sequence[BaseRoute]) -> Iterable[Any]:
    """The routes, and instead of the whole routers that FastAPI has among them the routes in those."""
    expand = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", None)
    return routes if expand is None else expand(routes)


def user_of(scope: AsgiScope) -> dict[str, Any] | None:
    """Who the application's own authentication found: https://www.starlette.io/authentication/#users"""
    user = scope.get("user")
    if user is None or not user.is_authenticated:
        return None
    known = {"username": user.display_name}
    with suppress(NotImplementedError):  # as of Starlette's own, before version 1
        known["id"] = user.identity
    return known
