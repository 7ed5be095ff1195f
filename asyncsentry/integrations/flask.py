"""Flask: ``Sentry(app, "https://…")``, or ``sentry = Sentry()`` and, later, ``sentry.init_app(app, "https://…")``.

What views, other functions of the application and its streams raise is reported, once, whoever sees it: Flask's signal,
the WSGI application around it, the log. Each request has a scope of its own, until the end of its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from flask import Flask

from asyncsentry import api
from asyncsentry.client import Client, ExcInfo
from asyncsentry.errors import OptionError
from asyncsentry.integrations._clients import Clients, choose
from asyncsentry.integrations._flask_watch import Watched, name_event
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.types import OptionArguments

    class Arguments(OptionArguments, total=False):
        """What `setup` takes beside ``app`` and ``dsn``."""

        client: Client[Any] | None
        transport: TransportOption | None
        failed_request_status_codes: Statuses
        logging: bool | None
        level: int | None
        logging_exclusions: Iterable[str] | None
        wrap_wsgi: bool | None
        register_signal: bool | None


__all__ = ["Sentry", "setup"]

_KEY: Final = "asyncsentry"
"""Where an application keeps who watches it."""


def setup(
    app: Flask,
    dsn: str | None = None,
    *,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    failed_request_status_codes: Statuses = FAILED,
    logging: bool | None = None,
    level: int | None = None,
    logging_exclusions: Iterable[str] | None = None,
    wrap_wsgi: bool | None = None,
    register_signal: bool | None = None,
    **options: Unpack[OptionArguments],
) -> Callable[[], None]:
    """Watch an application; what this returns ends that again. `Sentry` does the same for who wants an object.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. If `init` is to be called without ``dsn``, it is what the application has
    configured as ``SENTRY_DSN``. An error that the application answers is reported, as handled, if the status is among
    ``failed_request_status_codes``.

    ``logging=False``: log records become breadcrumbs, and no events; else those of ``level`` (``ERROR``) and above do,
    but for those of the loggers in ``logging_exclusions`` and below them. ``wrap_wsgi=False``: what leaves the
    application is not reported, ``register_signal=False``: nor is what Flask announces by ``got_request_exception``.

    Of a second call for one application the arguments count. Raises `SetupError`.
    """
    failed = statuses(failed_request_status_codes)
    exclusions = _names(logging_exclusions)
    if level is not None and type(level) is not int:
        raise OptionError("level must be a number, such as logging.ERROR")
    if dsn is None and client is None and _begins(transport, options):
        dsn = app.config.get("SENTRY_DSN")
    clients = choose(dsn, client=client, transport=transport, **options)
    before = app.extensions.get(_KEY)
    if before is not None:
        before.end()
    watched = Watched(app, clients, failed, wrap_wsgi=wrap_wsgi is not False, signal=register_signal is not False)
    watched.hear(logging, level, exclusions)
    app.extensions[_KEY] = watched
    return watched.end


class Sentry:
    """An extension of Flask's: `setup`, and the methods that applications of raven's call.

    It takes the arguments of `setup`, and so does `init_app`, where they count more. The application has it as
    ``app.extensions["sentry"]``.
    """

    def __init__(self, app: Flask | None = None, dsn: str | None = None, **options: Unpack[Arguments]) -> None:
        self._dsn = dsn
        self._options = options
        self._clients: Clients = api.get_client
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, dsn: str | None = None, **options: Unpack[Arguments]) -> None:
        """Watch an application; several may have one object. Raises `SetupError`."""
        given: Arguments = {**self._options, **options}
        setup(app, self._dsn if dsn is None else dsn, **given)
        client = given.get("client")
        self._clients = api.get_client if client is None else lambda: client
        app.extensions["sentry"] = self

    @property
    def client(self) -> Client[Any]:
        """Whom it captures for."""
        return self._clients()

    @property
    def last_event_id(self) -> str | None:
        """The id of the event that was captured last in this request."""
        return self.client.last_event_id()

    def captureException(  # noqa: N802  # raven's name
        self,
        exc_info: BaseException | ExcInfo | bool | None = None,
        *,
        tags: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        level: str = "error",
    ) -> str | None:
        """Send an exception, or what is being handled right now; gives the event's id."""
        error = None if isinstance(exc_info, bool) else exc_info
        return name_event(self.client.capture_exception(error, tags=tags or {}, extras=extra or {}, level=level))

    def captureMessage(  # noqa: N802  # raven's name
        self,
        message: str,
        *,
        tags: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        level: str = "error",
    ) -> str | None:
        """Send a message; gives the event's id."""
        return name_event(self.client.capture_message(message, level, tags=tags or {}, extras=extra or {}))

    def user_context(self, data: Mapping[str, Any]) -> None:
        """Say more of the user whom the request is from."""
        self.client.set_user({**(self.client.get_isolation_scope().user or {}), **data})

    def tags_context(self, data: Mapping[str, Any]) -> None:
        """Set tags for the request."""
        self.client.set_tags(data)

    def extra_context(self, data: Mapping[str, Any]) -> None:
        """Set values for the request that are shown, not indexed."""
        for name, value in data.items():
            self.client.set_extra(name, value)


def _begins(transport: TransportOption | None, options: Mapping[str, object]) -> bool:
    """Whether `init` is to be called."""
    told = transport is not None or any(value is not None for value in options.values())
    return told or not api._default.begun


def _names(loggers: Iterable[str] | None) -> tuple[str, ...]:
    names = () if loggers is None else tuple(loggers)
    if isinstance(loggers, str) or not all(isinstance(name, str) for name in names):
        raise OptionError("logging_exclusions must hold names of loggers, such as ['noisy.package']")
    return tuple(f"{name}." for name in names)
