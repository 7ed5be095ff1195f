"""Any Tornado application: ``setup(application, dsn="…")``.

No handler is changed. What one raises, or is raised in a WebSocket, a callback of the loop or a `PeriodicCallback`, is
reported, once. Each request and each WebSocket has a scope of its own, which everything has that is started for it.
Tornado's loop is asyncio's: what is left when it ends is sent by the transport, or else at the end of the program.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler

from asyncsentry.client import Client
from asyncsentry.hooks.place import Uninstall
from asyncsentry.integrations import _tornado_log
from asyncsentry.integrations._clients import Clients, choose
from asyncsentry.integrations._instances import Method, replace
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.integrations._tornado_handler import Watch
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.types import OptionArguments

__all__ = ["setup"]

_UNINSTALL = "_asyncsentry"
"""What an application that is set up is known by: it holds what takes that off."""


def setup(
    application: Application,
    dsn: str | None = None,
    *,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    failed_request_status_codes: Statuses = FAILED,
    **options: Unpack[OptionArguments],
) -> Uninstall:
    """Report the application's errors; gives what ends that. The last call for an application counts.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. An ``HTTPError`` of Tornado's is reported if its status is among
    ``failed_request_status_codes``, as handled. Raises `SetupError`.
    """
    failed = statuses(failed_request_status_codes)
    clients = choose(dsn, client=client, transport=transport, **options)
    before: Uninstall | None = vars(application).get(_UNINSTALL)
    if before is not None:
        before()
    watch = Watch(clients, failed)
    installed = [
        replace(application, "get_handler_delegate", lambda method: _watching(method, watch)),
        replace(application, "listen", lambda method: _waking(method, clients)),
        _tornado_log.listen(clients),
    ]

    def uninstall() -> None:
        while installed:
            installed.pop()()
        if vars(application).get(_UNINSTALL) is uninstall:
            del vars(application)[_UNINSTALL]

    vars(application)[_UNINSTALL] = uninstall
    _wake_here(clients)
    return uninstall


def _watching(method: Method, watch: Watch) -> Method:
    """``get_handler_delegate``: every router asks it for what serves a request."""

    def get_handler_delegate(request: Any, target_class: type[RequestHandler], *args: Any, **kwargs: Any) -> Any:
        kind = watch.lay_over(target_class) if watch.clients().active else target_class
        return method(request, kind, *args, **kwargs)

    return get_handler_delegate


def _waking(method: Method, clients: Clients) -> Method:
    """``listen``: the loop that it is called on, or before, is the one that serves."""

    def listen(*args: Any, **kwargs: Any) -> Any:
        server = method(*args, **kwargs)
        IOLoop.current().add_callback(lambda: clients().wake())
        return server

    return listen


def _wake_here(clients: Clients) -> None:
    """Send what was captured before, if this is a loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    clients().wake()
