"""Any WSGI application: ``application = SentryMiddleware(application, dsn="…")``.

What an application raises when it is called, while its answer is streamed or when that is closed is reported, once.
Each request has a scope of its own, from the call to the end of its answer. Frameworks' own modules build on this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.work import Work
from asyncsentry.integrations._clients import Clients, body_limit, choose
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.integrations._werkzeug import ServerErrors
from asyncsentry.integrations._wsgi import (
    Answer,
    Application,
    Body,
    Connection,
    Environ,
    StartResponse,
    path_of,
    request_of,
    watch_files,
)
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.events.http import HttpRequest
    from asyncsentry.scopes import Steps
    from asyncsentry.types import OptionArguments

__all__ = ["SentryMiddleware"]

DescribeEnviron: TypeAlias = Callable[[Environ, "HttpRequest"], Work]
"""What is known of a request: asked when an event is made, with the environ as the framework has left it."""


def describe(environ: Environ, request: HttpRequest) -> Work:
    """A request to no framework that is known: it is named by its path."""
    name = environ.get("REMOTE_USER")
    return Work(path_of(environ), "url", request, user={"username": name} if name else None)


class SentryMiddleware:
    """A WSGI application around another one.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. An error that the application itself answers is reported if the status is
    among ``failed_request_status_codes``, as handled. Raises `SetupError`.
    """

    def __init__(
        self,
        app: Application,
        dsn: str | None = None,
        *,
        client: Client[Any] | None = None,
        transport: TransportOption | None = None,
        failed_request_status_codes: Statuses = FAILED,
        **options: Unpack[OptionArguments],
    ) -> None:
        failed = statuses(failed_request_status_codes)
        clients = choose(dsn, client=client, transport=transport, **options)
        self._watch = Watch(app, clients, "wsgi", describe, failed)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        return self._watch(environ, start_response)


class Watch:
    """The middleware itself, as the modules of frameworks use it. ``name`` is that of the framework.

    Without ``unhandled`` it is for others to report what the application raises.
    """

    def __init__(
        self,
        app: Application,
        clients: Clients,
        name: str,
        describe: DescribeEnviron,
        failed: Statuses,
        *,
        unhandled: bool = True,
    ) -> None:
        self._app = app
        self._clients = clients
        self._describe = describe
        self._failed = failed
        self._unhandled = Mechanism(name, handled=False) if unhandled else None
        self._handled = Mechanism(name, handled=True)
        self._server_errors = ServerErrors(clients)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        client = self._clients()
        if not client.active:
            return self._app(environ, start_response)
        connection, is_file = Connection(client), watch_files(environ)
        body = Body(environ["wsgi.input"], connection, body_limit(client)) if "wsgi.input" in environ else None
        if body is not None:
            environ["wsgi.input"] = body
        answer = Answer(start_response, client, connection, self._handled, self._failed)
        steps = client.work_in_steps(
            lambda: self._describe(environ, request_of(environ, None if body is None else body.so_far()))
        )
        work = _Work(client, self._unhandled, steps)
        try:
            result = work.go_on(self._app, environ, answer.start)
        except BaseException:
            steps.end()
            raise
        if type(result) in (list, tuple) or is_file(result):  # nothing of the application's runs any more
            steps.end()
            return result  # type: ignore[no-any-return]  # an application's answer
        return Streamed(result, work)


class _Work:
    """The serving of one request, in steps: what the application raises in one is reported."""

    def __init__(self, client: Client[Any], mechanism: Mechanism | None, steps: Steps) -> None:
        self._client = client
        self._mechanism = mechanism
        self.steps = steps

    def go_on(self, function: Callable[..., Any], *args: Any, end: type[Exception] | None = None) -> Any:
        """Call a function of the application's; with ``end`` it says that it has no more."""
        with self.steps:
            try:
                return function(*args)
            except Exception as error:
                if self._mechanism is not None and (end is None or not isinstance(error, end)):
                    self._client.report(error, self._mechanism)
                raise


class Streamed:
    """An answer that the application makes while the server sends it."""

    def __init__(self, result: Iterable[bytes], work: _Work) -> None:
        self._result = result
        self._work = work
        self._chunks: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk: bytes = self._work.go_on(self._next, end=StopIteration)
        return chunk

    def _next(self) -> bytes:
        if self._chunks is None:
            self._chunks = iter(self._result)
        return next(self._chunks)

    def close(self) -> None:
        """Called by the server at the end, whatever the end is."""
        try:
            close = getattr(self._result, "close", None)
            if close is not None:
                self._work.go_on(close)
        finally:
            self._work.steps.end()
