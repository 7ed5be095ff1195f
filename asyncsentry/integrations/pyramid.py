"""Pyramid: ``config.include("asyncsentry.integrations.pyramid")``, with settings such as ``sentry.dsn``.

What nobody handles is reported, in views, tweens, subscribers and callbacks, and while an answer is streamed. An error
that an exception view answers, or a tween, is reported if the answer has a failed status, as handled; so is an
``HTTPException`` of such a status.

A tween sees neither callbacks nor streams, nor that a request is tried once more. So the tween only notes which error
an answer is for; what is reported is what comes out of the application's execution policy in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pyramid.config import Configurator
from pyramid.events import ApplicationCreated, BeforeTraversal
from pyramid.tweens import EXCVIEW

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.work import Work
from asyncsentry.integrations._clients import Clients, choose, nobody
from asyncsentry.integrations._settings import read_settings
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.integrations._wsgi import Environ, StartResponse
from asyncsentry.integrations.wsgi import Watch, describe as describe_path
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.events.http import HttpRequest
    from asyncsentry.types import OptionArguments

__all__ = ["includeme", "setup", "tween_factory"]

# Any: Pyramid has no types.
Handler: TypeAlias = Callable[[Any], Any]
Policy: TypeAlias = Callable[[Environ, Any], Any]

_PREFIX: Final = "sentry."
_KEY: Final = "asyncsentry.pyramid"
"""Of the application, in its registry; of what is known of a request, in its environ."""

_HANDLED: Final = Mechanism("pyramid", handled=True)


def includeme(config: Configurator) -> None:
    """Set up what the settings ask for: ``sentry.dsn``, and ``sentry.`` with the name of whatever else `setup` takes.

    Raises `SetupError`, which names the setting.
    """
    setup(config, **read_settings(config.get_settings() or {}, _PREFIX, config.maybe_dotted))


def setup(
    config: Configurator,
    dsn: str | None = None,
    *,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    failed_request_status_codes: Statuses = FAILED,
    **options: Unpack[OptionArguments],
) -> Callable[[], None]:
    """Watch the application that is being configured; gives a function that ends it.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. An error that is answered is reported if the status is among
    ``failed_request_status_codes``, as handled. Of two calls the later counts. Raises `SetupError`.
    """
    failed = statuses(failed_request_status_codes)
    clients = choose(dsn, client=client, transport=transport, **options)
    registry: Any = config.registry
    watched: _Watched | None = registry.get(_KEY)
    if watched is None:
        watched = registry[_KEY] = _Watched()
        config.add_subscriber(watched.begin, ApplicationCreated)
        config.add_subscriber(_note_route, BeforeTraversal)
        config.add_tween(f"{__name__}.{tween_factory.__name__}", over=EXCVIEW)
    watched.clients, watched.failed = clients, failed
    return watched.end


class _Known:
    """What is known of a request: a copy of the environ, as for another try, has the same."""

    __slots__ = ("error", "route")

    def __init__(self) -> None:
        self.error: Exception | None = None
        """The one that the answer is for, if it is for one."""
        self.route: str | None = None


class _Watched:
    """An application, from its configuration on."""

    def __init__(self) -> None:
        self.clients: Clients = nobody
        self.failed: Statuses = FAILED

    def begin(self, event: Any) -> None:
        """Called by Pyramid when the application is made: let its requests be served by `_serve`."""
        app = event.app
        policy: Policy = app.execution_policy

        def answer(environ: Environ, start: StartResponse) -> Iterable[bytes]:
            return self._serve(policy, app, environ, start)

        watch = Watch(answer, lambda: self.clients(), "pyramid", describe, ())
        app.execution_policy = lambda _environ, _app: watch  # which Pyramid calls as it would call the response

    def end(self) -> None:
        self.clients = nobody

    def _serve(self, policy: Policy, app: Any, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        known = environ[_KEY] = _Known()
        try:
            response = policy(environ, app)
            if known.error is not None and getattr(response, "status_code", 0) in self.failed:
                self.clients().report(known.error, _HANDLED)
        finally:
            known.error = None  # its frames hold the environ
        answer: Iterable[bytes] = response(environ, start)
        return answer


def describe(environ: Environ, request: HttpRequest) -> Work:
    """A request is named by its route's pattern, and where it has none by its path."""
    work, known = describe_path(environ, request), environ.get(_KEY)
    route = known.route if isinstance(known, _Known) else None
    return Work(route, "route", request, work.user) if route else work


def _note_route(event: Any) -> None:
    """Called by Pyramid once it knows the request's route, if there is one."""
    known = event.request.environ.get(_KEY)
    route = getattr(event.request, "matched_route", None)
    if isinstance(known, _Known):
        known.route = None if route is None else "/" + route.pattern.lstrip("/")


def tween_factory(handler: Handler, registry: Any) -> Handler:  # noqa: ARG001 - as Pyramid calls it
    """The tween, right above the exception views: it notes which error the request's answer is for."""

    def tween(request: Any) -> Any:
        known = request.environ.get(_KEY)
        if not isinstance(known, _Known):  # nobody watches
            return handler(request)
        known.error = None
        try:
            response = handler(request)
        except Exception as error:
            known.error = error
            raise
        answered = getattr(request, "exception", None)
        known.error = answered if isinstance(answered, Exception) else None
        return response

    return tween
