"""Any program on Twisted: ``setup(dsn="…")``, or a `SentryService` in its tree of services.

Twisted catches what goes wrong in the code that it calls, and logs it: an observer of its log reports it, once. Among
it are the errors in Deferreds that nobody handles.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.logger import globalLogPublisher

from asyncsentry.client import Client
from asyncsentry.hooks.logging import claim
from asyncsentry.hooks.place import Uninstall
from asyncsentry.integrations._clients import Clients, choose
from asyncsentry.integrations._twisted_log import Observer, is_bridged
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.types import OptionArguments

__all__ = ["SentryService", "carry", "setup"]

_uninstall: Uninstall | None = None
"""Takes off the one observer that there is."""


def setup(
    dsn: str | None = None,
    *,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    **options: Unpack[OptionArguments],
) -> Uninstall:
    """Report what Twisted logs as failed; gives what ends that. The last call counts.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. Raises `SetupError`.
    """
    return observe(choose(dsn, client=client, transport=transport, **options))


def observe(clients: Clients) -> Uninstall:
    """What `setup` does for whom it was told."""
    global _uninstall
    if _uninstall is not None:
        _uninstall()
    leave = claim(is_bridged)
    observer: Any = Observer(clients)  # an `ILogObserver` is whatever can be called like one
    globalLogPublisher.addObserver(observer)

    def uninstall() -> None:
        global _uninstall
        globalLogPublisher.removeObserver(observer)
        leave()
        if _uninstall is uninstall:
            _uninstall = None

    _uninstall = uninstall
    wake(clients)
    return uninstall


def wake(clients: Clients) -> None:
    """Send what was captured before from the reactor, as soon as it runs; none is installed for it."""
    reactor = sys.modules.get("twisted.internet.reactor")
    if reactor is not None:
        reactor.callWhenRunning(lambda: clients().wake())


def carry(callback: Callable[..., Any]) -> Callable[..., Any]:
    """``deferred.addCallback(carry(callback))``: a callback that knows what is known here.

    A plain callback knows nothing of the request that it was added for: Twisted calls it wherever its Deferred fires.
    Functions with ``inlineCallbacks`` and coroutines need no help.
    """
    context = copy_context()

    def carried(*args: Any, **kwargs: Any) -> Any:
        return context.copy().run(callback, *args, **kwargs)  # a copy, for a context is entered once at a time

    return carried


class SentryService(Service):
    """Set up when it is made; sends what is left, within ``shutdown_timeout``, before its application has stopped.

    ``SentryService("…").setServiceParent(application)`` is all that a ``.tac`` file or a plugin of twistd needs. The
    arguments are those of `setup`.
    """

    def __init__(
        self,
        dsn: str | None = None,
        *,
        client: Client[Any] | None = None,
        transport: TransportOption | None = None,
        **options: Unpack[OptionArguments],
    ) -> None:
        self.setName("sentry")
        self._clients = choose(dsn, client=client, transport=transport, **options)
        observe(self._clients)

    def startService(self) -> None:
        super().startService()
        wake(self._clients)

    def stopService(self) -> Any:
        """Gives a Deferred of whether all is sent."""
        from twisted.internet.threads import deferToThread  # only now: it installs a reactor, where there is none

        super().stopService()
        return deferToThread(self._clients().flush)
