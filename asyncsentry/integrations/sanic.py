"""Sanic: ``setup(app, "https://…")``, where the application is made.

What a handler, a middleware, a task of the application's or its listeners raise is reported, once. Each request and
each WebSocket has a scope of its own, which everything has that is started for it. In each process that serves, the
transport begins on its loop when the server starts; when it ends, what is left is sent.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from contextvars import ContextVar
from functools import partial
from logging import LogRecord
from typing import TYPE_CHECKING, Any, Final

from sanic import Sanic
from sanic.exceptions import SanicException, WebsocketClosed
from sanic.http import Stage
from sanic.response import BaseHTTPResponse

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.hooks.logging import claim
from asyncsentry.integrations._clients import Clients, choose, nobody
from asyncsentry.integrations._sanic import describe, has_handler, way_through_sanic
from asyncsentry.integrations._statuses import EVENT_ID_HEADER, FAILED, Statuses, statuses
from asyncsentry.registry import TransportOption
from asyncsentry.scope import Scope

if TYPE_CHECKING:
    from sanic.request import Request
    from typing_extensions import Unpack

    from asyncsentry.types import OptionArguments

__all__ = ["setup"]

_UNHANDLED: Final = Mechanism("sanic", handled=False)
_HANDLED: Final = Mechanism("sanic", handled=True)

_OUTERMOST: Final = 1_000_000
"""A priority: Sanic calls what has it before what the application listens with, and at the end after that."""

_TASK: Final = ("do",)
"""What runs a task of `Sanic.add_task`; and what calls a listener: Sanic tells of errors, and not what they ended."""

_LISTENER: Final = "_listener"

_OWN_LOOP: Final = "SANIC_WORKER_PROCESS"
"""Sanic sets it where it serves on a loop of its own, which it closes in the end."""

_NAME: Final = "asyncsentry"
"""Under which an application's context knows what is done to it."""

_LOGGED: Final = (
    ("sanic.error", "Exception occurred while handling uri: "),
    ("sanic.root", "The error response will not be sent to the client for the following exception:"),
)
"""What begins what Sanic logs of errors that it tells us of, too."""


def setup(
    app: Sanic[Any, Any],
    dsn: str | None = None,
    *,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    failed_request_status_codes: Statuses = FAILED,
    **options: Unpack[OptionArguments],
) -> Callable[[], None]:
    """Watch an application that has not started yet; what this returns ends that again.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. An error that an exception handler of the application answers is reported,
    as handled, if the status is among ``failed_request_status_codes``, and so is a ``SanicException`` with such a
    status. Of a second call for one application the arguments count. Raises `SetupError`.
    """
    failed = statuses(failed_request_status_codes)
    clients = choose(dsn, client=client, transport=transport, **options)
    watched: _Watched | None = getattr(app.ctx, _NAME, None)
    if watched is None:
        watched = _Watched()
        setattr(app.ctx, _NAME, watched)
        watched.join(app)
    return watched.begin(clients, failed)


class _Visit:
    """A request, or a WebSocket, that an application has in hand."""

    def __init__(self, request: Request, scope: AbstractContextManager[Scope]) -> None:
        self.request = request
        self.raised: Exception | None = None
        """What was raised, and is being answered by an exception handler of the application."""
        self._scope = scope
        self._task = asyncio.current_task()
        self.known = scope.__enter__()

    def end(self) -> None:
        """Called before the next request on the connection; what a task was started with, it keeps."""
        if asyncio.current_task() is self._task:
            self._scope.__exit__(None, None, None)


_visit: ContextVar[_Visit | None] = ContextVar("asyncsentry_sanic", default=None)


class _Watched:
    """What is done to one application: no signal's handler can be taken off again."""

    def __init__(self) -> None:
        self._clients: Clients = nobody
        self._failed = FAILED
        self._hear_logs: Callable[[], object] = nobody  # until there is something to be undone

    def join(self, app: Sanic[Any, Any]) -> None:
        """Take a place wherever an application offers one."""
        app.register_listener(self._start, "before_server_start", priority=_OUTERMOST)
        app.register_listener(self._finish, "after_server_stop", priority=_OUTERMOST)
        for event, handler in (
            ("http.lifecycle.handle", self._open),
            ("http.lifecycle.exception", self._note),
            ("http.lifecycle.response", self._answer),
            ("http.lifecycle.complete", self._close),
            ("websocket.handler.exception", self._hear_socket),
            ("server.exception.report", self._hear),
        ):
            app.signal(event, priority=_OUTERMOST)(handler)

    def begin(self, clients: Clients, failed: Statuses) -> Callable[[], None]:
        self.end()
        self._clients, self._failed = clients, failed
        self._hear_logs = claim(self._claims)
        return self.end

    def end(self) -> None:
        self._clients = nobody
        self._hear_logs()

    async def _start(self, _: Sanic[Any, Any]) -> None:
        self._clients().wake()

    async def _finish(self, _: Sanic[Any, Any]) -> None:
        client = self._clients()
        await client.flush_async()
        if client.active and _OWN_LOOP in os.environ:
            # What `asyncio.run` does and Sanic does not: uvloop would not close with connections open.
            with suppress(asyncio.TimeoutError):
                ending = asyncio.get_running_loop().shutdown_asyncgens()
                await asyncio.wait_for(ending, client.options.shutdown_timeout)

    async def _open(self, request: Request, **_: object) -> None:
        await self._close()
        client = self._clients()
        if client.active:
            _visit.set(_Visit(request, client.work_scope(partial(describe, request))))

    async def _close(self, **_: object) -> None:
        """All requests on one connection are served in one task, and so in one context."""
        visit = _visit.get()
        if visit is not None:
            visit.end()
            _visit.set(None)

    async def _note(self, request: Request, exception: BaseException, **_: object) -> None:
        """What Sanic calls with each error before it is answered, if that can be done at all."""
        if not isinstance(exception, Exception):
            return
        visit = _visit.get()
        if visit is None or visit.request is not request:  # it was no request yet
            await self._open(request)
            visit = _visit.get()
        if request.stream is not None and request.stream.stage is not Stage.HANDLER:
            self._clients().report(exception, _UNHANDLED)
        elif visit is not None and has_handler(request, exception):
            visit.raised = exception
        else:
            self._report(exception)

    async def _answer(self, request: Request, response: BaseHTTPResponse, **_: object) -> None:
        visit = _visit.get()
        if visit is None or visit.request is not request:
            return
        if visit.raised is not None and response.status in self._failed:
            self._clients().report(visit.raised, _HANDLED)
        visit.raised = None
        if visit.known.last_event_id is not None:
            response.headers[EVENT_ID_HEADER] = visit.known.last_event_id

    async def _hear_socket(self, exception: Exception, **_: object) -> None:
        if isinstance(exception, WebsocketClosed):
            self._clients().disregard(exception)
        else:
            self._report(exception)

    async def _hear(self, exception: BaseException, **_: object) -> None:
        """What Sanic calls with each error, of whatever it runs: those in requests are told in another way as well."""
        if not isinstance(exception, Exception):
            return
        way = way_through_sanic(exception)
        if way[:1] == _TASK:
            self._clients().report(exception, _UNHANDLED)
        elif _visit.get() is None:
            self._report(exception)
            if _LISTENER in way:  # the loop will not go on, and a worker is killed for it
                self._clients().flush()

    def _report(self, error: Exception) -> None:
        """One that the application does not answer itself: a ``SanicException`` says how Sanic does."""
        if not isinstance(error, SanicException):
            self._clients().report(error, _UNHANDLED)
        elif error.status_code in self._failed:
            self._clients().report(error, _HANDLED)

    def _claims(self, record: LogRecord) -> bool:
        """Whether Sanic logs an error that it tells us of, too."""
        said = record.msg if isinstance(record.msg, str) else ""
        return any(record.name == name and said.startswith(text) for name, text in _LOGGED) and self._clients().active
