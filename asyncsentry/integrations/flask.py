"""Flask: ``Sentry(app, "https://…")``, or ``sentry = Sentry()`` and, later, ``sentry.init_app(app, "https://…")``.

What views, other functions of the application and its streams raise is reported, once, whoever sees it: Flask's signal,
the WSGI application around it, the log. Each request has a scope of its own, until the end of its answer.
"""

from __future__ import annotations

import logging as levels
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, g, got_request_exception, has_app_context, has_request_context, request_finished

from asyncsentry import api
from asyncsentry.client import Client, ExcInfo
from asyncsentry.errors import OptionError
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.hooks import logging as log_records
from asyncsentry.integrations._clients import Clients, choose
from asyncsentry.integrations._flask_request import describe, note_answered, note_rule, take_answered
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.integrations._werkzeug import ServerErrors
from asyncsentry.integrations.wsgi import Watch
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.hooks import Uninstall
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

_UNHANDLED: Final = Mechanism("flask", handled=False)
_HANDLED: Final = Mechanism("flask", handled=True)

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
    ``client`` has it capture for that one. Without ``dsn`` it is what the application has configured as ``SENTRY_DSN``.
    An error that the application answers is reported, as handled, if the status is among
    ``failed_request_status_codes``.

    ``logging=False``: log records become breadcrumbs, and no events; else those of ``level`` (``ERROR``) and above do,
    but for those of the loggers in ``logging_exclusions`` and below them. ``wrap_wsgi=False``: what leaves the
    application is not reported, ``register_signal=False``: nor is what Flask announces by `got_request_exception`.

    Of a second call for one application the arguments count. Raises `SetupError`.
    """
    failed = statuses(failed_request_status_codes)
    exclusions = _names(logging_exclusions)
    if level is not None and type(level) is not int:
        raise OptionError(
            f"level must be a number such as logging.ERROR, not a value of type {type(level).__qualname__}"
        )
    configured = app.config.get("SENTRY_DSN") if dsn is None else dsn
    clients = choose(configured, client=client, transport=transport, **options)
    before = app.extensions.get(_KEY)
    if before is not None:
        before.end()
    watched = _Watched(app, clients, failed, wrap_wsgi=wrap_wsgi is not False, signal=register_signal is not False)
    watched.hear(logging, level, exclusions)
    app.extensions[_KEY] = watched
    return watched.end


class _Watched:
    """An application that is watched: by Flask's signals, in it, and around it."""

    def __init__(self, app: Flask, clients: Clients, failed: Statuses, *, wrap_wsgi: bool, signal: bool) -> None:
        self._clients = clients
        self._failed = failed
        self._signal = signal
        self._handle = app.handle_user_exception
        watch = Watch(app.wsgi_app, self._client, "flask", describe, failed if wrap_wsgi else (), unhandled=wrap_wsgi)
        self._undo = [
            _replace(app, "wsgi_app", watch),
            _replace(app, "handle_user_exception", self._answer),
        ]
        self._server_errors = ServerErrors(self._client)
        self._undo.append(self._server_errors.end)
        got_request_exception.connect(self._hear_of_error, app)
        request_finished.connect(self._hear_of_answer, app)
        self._undo.append(lambda: got_request_exception.disconnect(self._hear_of_error, app))
        self._undo.append(lambda: request_finished.disconnect(self._hear_of_answer, app))

    def hear(self, logging: bool | None, level: int | None, exclusions: tuple[str, ...]) -> None:
        """Hear log records as raven's options say it; with none of these, as `init` does."""
        client = self._clients()
        if client.active and (logging is not None or level is not None):
            self._undo.append(
                log_records.install(
                    client,
                    event_level=None if logging is False else levels.ERROR if level is None else level,
                    breadcrumb_level=levels.INFO if client.options.enable_breadcrumbs else None,
                )
            )
        if exclusions:
            self._undo.append(log_records.claim(lambda record: f"{record.name}.".startswith(exclusions)))

    def end(self) -> None:
        """Leave the application as it was; what others have put around us since passes us by."""
        nobody: Client[Any] = Client("")
        self._clients = lambda: nobody
        while self._undo:
            self._undo.pop()()

    def _client(self) -> Client[Any]:
        return self._clients()

    def _answer(self, error: Exception) -> Any:
        """Stands in for the application's ``handle_user_exception``, which raises what it has no answer to."""
        answer = self._handle(error)
        note_answered(error)
        return answer

    def _hear_of_error(self, _sender: Flask, exception: Exception, **_: Any) -> None:
        """Nobody handled this: it is what the request fails with, and not what was answered before."""
        if has_request_context():
            note_answered(None)
        if self._signal:
            self._report(exception, _UNHANDLED)

    def _hear_of_answer(self, _sender: Flask, response: Any, **_: Any) -> None:
        if not has_request_context():
            return
        note_rule()
        error = take_answered()
        if error is not None and response.status_code in self._failed:
            self._report(error, _HANDLED)

    def _report(self, error: Exception, mechanism: Mechanism) -> None:
        client = self._clients()
        client.report(error, mechanism)
        _name_event(client.last_event_id())


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
        return _name_event(self.client.capture_exception(error, tags=tags or {}, extras=extra or {}, level=level))

    def captureMessage(  # noqa: N802  # raven's name
        self,
        message: str,
        *,
        tags: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        level: str = "error",
    ) -> str | None:
        """Send a message; gives the event's id."""
        return _name_event(self.client.capture_message(message, level, tags=tags or {}, extras=extra or {}))

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


def _name_event(event_id: str | None) -> str | None:
    """Let templates know the event, as raven does."""
    if event_id is not None and has_app_context():
        g.sentry_event_id = event_id
    return event_id


def _names(loggers: Iterable[str] | None) -> tuple[str, ...]:
    names = () if loggers is None else tuple(loggers)
    if isinstance(loggers, str) or not all(isinstance(name, str) for name in names):
        raise OptionError("logging_exclusions must hold names of loggers, such as ['noisy.package']")
    return tuple(f"{name}." for name in names)


def _replace(app: Flask, name: str, ours: Any) -> Uninstall:
    """Put ours in the place of a method of this application's, and no other's."""
    before = vars(app).get(name)
    vars(app)[name] = ours

    def restore() -> None:
        if vars(app).get(name) is not ours:
            return  # somebody has put something around it
        if before is None:
            del vars(app)[name]
        else:
            vars(app)[name] = before

    return restore
