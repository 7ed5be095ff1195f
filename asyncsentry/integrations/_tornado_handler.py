"""Handlers of a Tornado application, watched: a class that is laid over each of theirs, which stays as it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from contextvars import Context, copy_context
from functools import partial
from types import TracebackType, new_class
from typing import Any, ClassVar, Final

from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.web import Application, HTTPError, OutputTransform, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from asyncsentry.events.exceptions import Mechanism
from asyncsentry.integrations._clients import Clients
from asyncsentry.integrations._statuses import EVENT_ID_HEADER, Statuses
from asyncsentry.integrations._tornado_request import describe

logger = logging.getLogger("asyncsentry")

UNHANDLED: Final = Mechanism("tornado", handled=False)
HANDLED: Final = Mechanism("tornado", handled=True)

CLASSES_LIMIT: Final = 1000
"""How many classes of handlers are remembered: more than any application has, unless it makes them as it goes."""


class Watch:
    """What the handlers of one application are watched for."""

    def __init__(self, clients: Clients, failed: Statuses) -> None:
        self.clients = clients
        self.failed = failed
        self._laid: dict[type[RequestHandler], type[RequestHandler]] = {}

    def lay_over(self, kind: type[RequestHandler]) -> type[RequestHandler]:
        """The class that serves in the place of ``kind``; that itself, if nothing can be laid over it."""
        known = self._laid.get(kind)
        if known is None:
            if len(self._laid) >= CLASSES_LIMIT:
                self._laid.clear()
            known = self._laid[kind] = self._make(kind)
        return known

    def _make(self, kind: type[RequestHandler]) -> type[RequestHandler]:
        names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
        own = {"_asyncsentry": self, "_asyncsentry_kind": kind}
        try:
            return new_class(kind.__name__, (Watched, kind), None, lambda body: body.update(names | own))
        except Exception:  # a metaclass may refuse
            logger.debug("%r is not watched", kind, exc_info=True)
            return kind


class Watched(RequestHandler):
    """A scope around all that a request or a WebSocket is, and a report of what nobody caught in it."""

    _asyncsentry: ClassVar[Watch]
    _asyncsentry_kind: ClassVar[type[RequestHandler]]
    _asyncsentry_context: Context | None = None

    def __init_subclass__(cls, **_: Any) -> None:
        """What the application does with each of its own classes is not done with this one."""

    def __init__(self, application: Application, request: HTTPServerRequest, **kwargs: Any) -> None:
        try:
            super().__init__(application, request, **kwargs)
        except Exception as error:
            client = self._asyncsentry.clients()
            with client.work_scope(partial(describe, application, request, self._asyncsentry_kind, None)):
                client.report(error, UNHANDLED)
            raise

    async def _execute(self, transforms: list[OutputTransform], *args: bytes, **kwargs: bytes) -> None:
        tell = partial(describe, self.application, self.request, self._asyncsentry_kind, self)
        with self._asyncsentry.clients().work_scope(tell):
            self._asyncsentry_context = copy_context()
            try:
                await super()._execute(transforms, *args, **kwargs)
            finally:
                self._asyncsentry_context = None

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """What Tornado calls with all that nobody caught; handlers may have one of their own."""
        if isinstance(value, Exception):
            self._asyncsentry_report(value)
        super().log_exception(typ, value, tb)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """A part of a streamed body: Tornado calls this outside of what else it does for the request."""
        context = self._asyncsentry_context or copy_context()  # the latter, if all else is over
        try:
            result = context.run(super().data_received, chunk)
        except Exception as error:
            context.run(self._asyncsentry_report, error)
            raise
        return None if result is None else context.run(asyncio.ensure_future, self._asyncsentry_await(result))

    def flush(self, include_footers: bool = False) -> asyncio.Future[None]:
        """Names the event that was captured, before the headers are written."""
        event_id = None if self._headers_written else self._asyncsentry.clients().last_event_id()
        if event_id is not None:
            self.set_header(EVENT_ID_HEADER, event_id)
        return super().flush(include_footers)

    async def _asyncsentry_await(self, receiving: Awaitable[None]) -> None:
        try:
            await receiving
        except Exception as error:
            self._asyncsentry_report(error)
            raise

    def _asyncsentry_report(self, error: Exception) -> None:
        mechanism = UNHANDLED
        if isinstance(error, HTTPError):
            if error.status_code not in self._asyncsentry.failed:
                return
            mechanism = HANDLED
        elif isinstance(error, (StreamClosedError, WebSocketClosedError)) and _is_gone(self):
            self._asyncsentry.clients().disregard(error)
            return
        self._asyncsentry.clients().report(error, mechanism)


def _is_gone(handler: RequestHandler) -> bool:
    """Whether the client has closed the connection."""
    if isinstance(handler, WebSocketHandler):
        return handler.ws_connection is None or handler.ws_connection.is_closing()
    stream = getattr(handler.request.connection, "stream", None)
    return stream is None or stream.closed()
