"""Requests to a site of twisted.web, watched: a class that is laid over the site's own."""

from __future__ import annotations

import sys
from contextvars import Context, copy_context
from types import new_class
from typing import Any, ClassVar

from twisted.python.failure import Failure
from twisted.web.resource import IResource
from twisted.web.server import Request

from asyncsentry.client import Client
from asyncsentry.events.work import Work
from asyncsentry.hooks.place import Uninstall
from asyncsentry.integrations._clients import Clients, body_limit
from asyncsentry.integrations._statuses import EVENT_ID_HEADER, Statuses
from asyncsentry.integrations._twisted_failure import HANDLED, HUNG_UP, UNHANDLED, report
from asyncsentry.integrations._twisted_request import describe


class Watch:
    """What the requests of one site are watched for."""

    def __init__(self, clients: Clients, failed: Statuses) -> None:
        self.clients = clients
        self.failed = failed
        self._kleins: list[tuple[object, Uninstall]] = []

    def meet(self, resource: Any) -> None:
        """Look after the endpoints of an application of Klein's, once it is seen to serve."""
        klein = sys.modules.get("klein.resource")
        if klein is None or not isinstance(resource, klein.KleinResource):
            return
        application = resource._app
        if not any(known is application for known, _ in self._kleins):
            from asyncsentry.integrations import _klein

            self._kleins.append((application, _klein.watch(resource, note)))

    def end(self) -> None:
        while self._kleins:
            self._kleins.pop()[1]()


def lay_over(kind: type[Request], watch: Watch) -> type[Request]:
    """The class of requests that serves in the place of ``kind``."""
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    return new_class(kind.__name__, (Watched, kind), None, lambda body: body.update(names | {"_asyncsentry": watch}))


def note(request: object, failure: Failure) -> None:
    """Remember what failed in a request: how it is answered tells whether that is an error."""
    if isinstance(request, Watched):
        request._asyncsentry_failure = failure


class Watched(Request):
    """A context with a scope around all that is done for a request, and a report of what fails in it.

    Other requests run in the same thread meanwhile: so it is a context of its own, and the scope in it is left open.
    What was started for the request, and goes on when that is answered, still knows it. Only copies of the context are
    entered: one that somebody is in cannot be entered again.
    """

    _asyncsentry: ClassVar[Watch]
    _asyncsentry_client: Client[Any] | None = None
    _asyncsentry_context: Context
    _asyncsentry_outside: Context
    _asyncsentry_failure: Failure | None = None
    _asyncsentry_resource: IResource | None = None

    def process(self) -> None:
        client = self._asyncsentry.clients()
        if not client.active:
            super().process()
            return
        limit = body_limit(client)

        def tell() -> Work:
            return describe(self, self._asyncsentry_resource, limit)

        self._asyncsentry_scope = client.work_scope(tell)
        self._asyncsentry_outside = copy_context()
        self._asyncsentry_context = copy_context()
        self._asyncsentry_context.run(self._asyncsentry_scope.__enter__)
        self._asyncsentry_client = client
        self._asyncsentry_context.copy().run(super().process)

    def render(self, resrc: IResource) -> None:
        self._asyncsentry_resource = resrc
        self._asyncsentry.meet(resrc)
        super().render(resrc)

    def processingFailed(self, reason: Failure) -> Failure:
        """What Twisted calls with what nobody handled, and applications, too."""
        client = self._asyncsentry_client
        if client is not None:
            inside = self._asyncsentry_context.copy()
            inside.run(report, client, reason, UNHANDLED)
            inside.run(super().processingFailed, reason)
        else:
            super().processingFailed(reason)
        return reason

    def write(self, data: bytes) -> None:
        client = self._asyncsentry_client
        if client is not None and not self.startedWriting:
            self._asyncsentry_context.copy().run(self._asyncsentry_answer, client)
        super().write(data)

    def finish(self) -> None:
        """The next request of the connection may be at hand, and begins in the midst of this."""
        client = self._asyncsentry_client
        if client is None:
            super().finish()
            return
        try:
            self._asyncsentry_outside.copy().run(super().finish)
        except RuntimeError as error:
            if self._disconnected:
                client.disregard(error)
            raise

    def connectionLost(self, reason: Failure) -> None:
        HUNG_UP.add(reason)
        super().connectionLost(reason)

    def _asyncsentry_answer(self, client: Client[Any]) -> None:
        """Report what failed, if it is answered as an error, and name in the answer what was captured."""
        if self._asyncsentry_failure is not None and self.code in self._asyncsentry.failed:
            report(client, self._asyncsentry_failure, HANDLED)
        event_id = client.last_event_id()
        if event_id is not None:
            self.setHeader(EVENT_ID_HEADER, event_id)
