"""Any site of twisted.web, Klein's too: ``setup(Site(root), dsn="…")``.

What is raised while a resource is found or rendered, and what is handed to ``request.processingFailed``, is reported
with the request, once; and with it all that Twisted logs, see `asyncsentry.integrations.twisted`. Each request has a
scope of its own, which functions with ``inlineCallbacks`` and coroutines have that are started for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.web.server import Request, Site

from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.hooks.place import Uninstall
from asyncsentry.integrations import twisted
from asyncsentry.integrations._clients import choose
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.integrations._twisted_watched import Watch, lay_over
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.types import OptionArguments

__all__ = ["setup"]

_UNINSTALL = "_asyncsentry"
"""What a site that is set up is known by: it holds what takes that off."""


def setup(
    site: Site,
    dsn: str | None = None,
    *,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    failed_request_status_codes: Statuses = FAILED,
    **options: Unpack[OptionArguments],
) -> Uninstall:
    """Report the site's errors, from the next connection on; gives what ends that. The last call for a site counts.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. An error in an endpoint of Klein's that is answered is reported if the
    status is among ``failed_request_status_codes``, as handled. Raises `SetupError`.
    """
    failed = statuses(failed_request_status_codes)
    before: Uninstall | None = vars(site).get(_UNINSTALL)
    if before is not None:
        before()
    factory = site.requestFactory
    if not (isinstance(factory, type) and issubclass(factory, Request)):
        raise OptionError("a site is watched by a class laid over that of its requests: its requestFactory is none")
    clients = choose(dsn, client=client, transport=transport, **options)
    watch = Watch(clients, failed)
    laid = lay_over(factory, watch)
    own = "requestFactory" in vars(site)
    site.requestFactory = laid
    leave = twisted.observe(clients)

    def uninstall() -> None:
        leave()
        watch.end()
        if site.requestFactory is laid:
            if own:
                site.requestFactory = factory
            else:
                del site.requestFactory
        if vars(site).get(_UNINSTALL) is uninstall:
            del vars(site)[_UNINSTALL]

    vars(site)[_UNINSTALL] = uninstall
    return uninstall
