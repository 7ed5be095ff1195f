"""gevent: ``setup(dsn="…")``, where the program begins; ``setup(dsn="…", server=server)`` for its WSGI server.

Errors that end a greenlet, and whatever else a hub prints, are reported. gevent prints the error of a greenlet when
that dies, whether or not somebody will ask for it with ``get()``, and so it is reported then, once: who captures it
again is given the same event. A greenlet carries the context of whoever spawned it, and so what is known of a request
is known to all that is spawned for it.

Each thread has a hub of its own. Those are found as they come: the one of the thread that sets this up, and those on
which a greenlet is spawned.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import copy_context
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary, ref

import gevent
import gevent.threadpool
from gevent._hub_local import get_hub_if_exists
from gevent.hub import Hub

from asyncsentry import own
from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.integrations._clients import Clients, choose, nobody
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.integrations._wsgi import request_of
from asyncsentry.integrations.wsgi import Watch, describe
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from gevent.pywsgi import WSGIServer
    from typing_extensions import Unpack

    from asyncsentry.types import OptionArguments

__all__ = ["setup"]

Uninstall: TypeAlias = Callable[[], None]
# Any: what a hub is told may be of any kind, and is looked at first.
HandleError: TypeAlias = Callable[[Any, Any, Any, Any], None]

_MECHANISM = Mechanism("gevent", handled=False)
_POOL = gevent.threadpool.ThreadPool.__module__
_NO_ERRORS = (KeyboardInterrupt, SystemExit, gevent.GreenletExit)


def setup(
    dsn: str | None = None,
    *,
    server: WSGIServer | None = None,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    failed_request_status_codes: Statuses = FAILED,
    **options: Unpack[OptionArguments],
) -> Uninstall:
    """Report what hubs are told of, and let greenlets carry the context; gives what takes it off again.

    With a ``server``, a ``gevent.pywsgi.WSGIServer``, each of its requests has a scope of its own, and errors are
    reported with it. The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has
    called it yet; ``client`` has it capture for that one. What is set up last reports. Raises `SetupError`.
    """
    failed = statuses(failed_request_status_codes)
    clients = choose(dsn, client=client, transport=transport, **options)
    this = _hubs.begin(clients)
    hub = get_hub_if_exists()
    if hub is not None:
        _hubs.add(hub)
    restore = _watch_server(server, clients, failed) if server is not None else None

    def uninstall() -> None:
        if _hubs.latest is this:
            _hubs.end()
        if restore is not None:
            restore()

    return uninstall


def _watch_server(server: WSGIServer, clients: Clients, failed: Statuses) -> Uninstall:
    """Watch what the server serves, once."""
    before = server.application
    if isinstance(before, _WatchedByUs):
        before = before.app
    watch = server.application = _WatchedByUs(before, clients, failed)

    def restore() -> None:
        if server.application is watch:
            server.application = before

    return restore


class _WatchedByUs(Watch):
    """The application of a server that was set up."""

    def __init__(self, app: Any, clients: Clients, failed: Statuses) -> None:
        super().__init__(app, clients, "gevent", describe, failed)
        self.app = app


class _Hubs:
    """The hubs that are watched, by the place that gevent has for it: the ``handle_error`` that is set on a hub."""

    def __init__(self) -> None:
        self.clients: Clients = nobody
        self.latest: object = None
        """Which set-up was the last."""
        self._handlers: WeakKeyDictionary[Hub, _Handler] = WeakKeyDictionary()

    def begin(self, clients: Clients) -> object:
        self.clients = clients
        self.latest = object()
        gevent.Greenlet.add_spawn_callback(self.see)  # gevent keeps one, however often it is added
        return self.latest

    def end(self) -> None:
        self.clients = nobody
        gevent.Greenlet.remove_spawn_callback(self.see)
        for handler in list(self._handlers.values()):
            handler.uninstall()
        self._handlers.clear()

    def see(self, greenlet: Any) -> None:
        """Called by gevent, where a greenlet is spawned: it has not begun yet, and its parent is the hub."""
        if greenlet.gr_context is None:
            greenlet.gr_context = copy_context()
        self.add(greenlet.parent)

    def add(self, hub: Hub) -> None:
        """Watch a hub, and have what was captured before there was one sent from there."""
        if hub not in self._handlers:
            self._handlers[hub] = _Handler(hub, self)
            self.clients().wake()

    def report(self, hub: Hub, context: object, error: object) -> None:
        """Report what ``hub`` is told of, unless it is no error, or somebody else is told of it."""
        unheard = _unheard(hub, context, error)
        if unheard is None or own.at_work():
            return
        client = self.clients()
        if isinstance(context, dict) and "REQUEST_METHOD" in context:  # of a request that nobody watches
            with client.work_scope(lambda: describe(context, request_of(context, None))):
                client.report(unheard, _MECHANISM)
        else:
            client.report(unheard, _MECHANISM)


class _Handler:
    """Stands in for a hub's ``handle_error``, and calls what was there before. It does not keep the hub alive."""

    def __init__(self, hub: Hub, hubs: _Hubs) -> None:
        self._hub = ref(hub)
        self._hubs = hubs
        self._before: HandleError | None = vars(hub).get("handle_error")
        vars(hub)["handle_error"] = self  # an attribute, which gevent says that an application may set

    def __call__(self, context: Any, kind: Any, value: Any, traceback: Any) -> None:
        hub = self._hub()
        if hub is None:  # there is nobody whose handler this could be
            return
        error = sys.exc_info()[1] if kind is value is traceback is None else value
        self._hubs.report(hub, context, error)
        if self._before is None:
            type(hub).handle_error(hub, context, kind, value, traceback)
        else:
            self._before(context, kind, value, traceback)

    def uninstall(self) -> None:
        hub = self._hub()
        if hub is None or vars(hub).get("handle_error") is not self:
            return
        if self._before is None:
            del vars(hub)["handle_error"]
        else:
            vars(hub)["handle_error"] = self._before


def _unheard(hub: Hub, context: object, error: object) -> BaseException | None:
    """What gevent takes for an error, if nobody is told of it but whoever reads what it prints."""
    if not isinstance(error, BaseException) or issubclass(type(error), (*_NO_ERRORS, *hub.NOT_ERROR)):
        return None
    if context is None:  # it goes on in the main greenlet
        return None
    if isinstance(context, tuple) and context and type(context[0]).__module__ == _POOL:  # in whoever waits for it
        return None
    return None if _is_refused_handshake(error.__traceback__) else error


def _is_refused_handshake(traceback: TracebackType | None) -> bool:
    """Whether a client of a server failed to begin with TLS."""
    names = []
    while traceback is not None:
        names.append(traceback.tb_frame.f_code.co_name)
        traceback = traceback.tb_next
    return "wrap_socket_and_handle" in names and names[-1] == "do_handshake"


_hubs = _Hubs()
