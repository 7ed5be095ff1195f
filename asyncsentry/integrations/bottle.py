"""Bottle: ``setup(app, "https://…")``, where the application is made, or ``setup(bottle.default_app(), "https://…")``.

What a callback, a plugin or a hook raises and nobody handles is reported, and what goes wrong while an answer is
streamed; an error page for it knows the event's id. An ``HTTPError`` of a failed status is reported as handled.

Bottle's plugins see neither hooks nor the applications that are mounted, and none sees what those after it answer. What
sees all of it is the application's ``wsgi``, as Bottle says that middleware may stand in for it, and the place where it
looks for an error page.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from bottle import Bottle, HTTPError

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.work import Work
from asyncsentry.integrations._clients import Clients, choose, nobody
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.integrations._wsgi import Application, Environ, StartResponse
from asyncsentry.integrations.wsgi import Watch, describe as describe_path
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.events.http import HttpRequest
    from asyncsentry.types import OptionArguments

__all__ = ["setup"]

Page: TypeAlias = Callable[[Any], Any]
"""Makes what is answered from an ``HTTPError``."""

_HANDLED = Mechanism("bottle", handled=True)
_UNHANDLED = Mechanism("bottle", handled=False)


def setup(
    app: Bottle,
    dsn: str | None = None,
    *,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    failed_request_status_codes: Statuses = FAILED,
    **options: Unpack[OptionArguments],
) -> Callable[[], None]:
    """Watch an application; gives a function that ends it.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. An error that is answered is reported if the status is among
    ``failed_request_status_codes``, as handled. Of two calls the later counts. Raises `SetupError`.
    """
    failed = statuses(failed_request_status_codes)
    clients = choose(dsn, client=client, transport=transport, **options)
    pages = app.error_handler
    watched = pages if isinstance(pages, _Pages) else _Pages(app)
    return watched.install(clients, failed)


def describe(environ: Environ, request: HttpRequest) -> Work:
    """A request is named by its route's rule, and where it has none by its path."""
    work = describe_path(environ, request)
    route = environ.get("bottle.route")
    return work if route is None else Work(route.rule, "route", request, work.user)


class _Pages(dict[int, Page]):
    """Stands in for an application's ``error_handler``, where Bottle looks for the page to show for an error."""

    def __init__(self, app: Bottle) -> None:
        super().__init__(app.error_handler)
        self._app = app
        self._before: Application | None = vars(app).get("wsgi")
        self._wsgi: Application = app.wsgi
        self._watch = Watch(self._serve, lambda: self._clients(), "bottle", describe, ())
        self._clients: Clients = nobody
        self._failed: Statuses = ()
        # By the dictionary: Bottle lets nobody set an attribute twice.
        vars(app).update(error_handler=self, wsgi=self._watch)

    def install(self, clients: Clients, failed: Statuses) -> Callable[[], None]:
        """Watch for these clients from now on; gives what ends that."""
        self._clients, self._failed = clients, failed
        return self._uninstall

    def get(self, code: int, default: Any = None) -> Any:
        """Bottle's question for a page, in any case before it shows one."""
        page = super().get(code, default)
        return page and partial(self._show, page)

    def _show(self, page: Page, error: HTTPError) -> Any:
        # Bottle raises none that it makes from what nobody handled, and tells them what the traceback was.
        cause = error.exception if error.__traceback__ is None and isinstance(error.exception, Exception) else None
        if cause is not None and error.traceback:
            self._clients().report(cause, _UNHANDLED)
        elif error.status_code in self._failed:
            self._clients().report(error if cause is None else cause, _HANDLED)
        return page(error)

    def _serve(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        """The application; an error page that fails itself has no page, but an answer."""

        def begin(status: str, headers: Any, exc_info: Any = None) -> Any:
            error = sys.exc_info()[1]
            if error is not None and exc_info and error is exc_info[1]:
                self._clients().report(error, _UNHANDLED)
            return start(status, headers, exc_info) if exc_info else start(status, headers)

        return self._wsgi(environ, begin)

    def _uninstall(self) -> None:
        self._clients = nobody
        attributes = vars(self._app)
        if attributes.get("wsgi") is not self._watch:
            return  # somebody else calls it: it stays, and stays silent
        attributes["error_handler"] = dict(self)
        if self._before is None:
            del attributes["wsgi"]
        else:
            attributes["wsgi"] = self._before
