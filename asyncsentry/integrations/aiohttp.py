"""aiohttp: ``setup(app, "https://…")`` for a server, and `trace_config` for what a program asks of other servers.

What a handler or a middleware raises is reported, once, and so is what makes the start or the end of the application
fail. Each request, and each WebSocket, has a scope of its own, which everything has that is started for it. When the
application starts, the transport begins on its loop; when it ends, what is left is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from aiohttp import web

from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.integrations._aiohttp_client import trace_config
from asyncsentry.integrations._aiohttp_request import Visit, describe, has_left, visit_of
from asyncsentry.integrations._clients import Clients, choose
from asyncsentry.integrations._statuses import EVENT_ID_HEADER, FAILED, Statuses, statuses
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.types import OptionArguments

__all__ = ["setup", "trace_config"]

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

_UNHANDLED: Final = Mechanism("aiohttp", handled=False)
_HANDLED: Final = Mechanism("aiohttp", handled=True)

_LIFE: Final = ("startup", "shutdown", "cleanup")
"""The methods in which an application sends its signals: no signal tells that the receiver of another one failed."""


def setup(
    app: web.Application,
    dsn: str | None = None,
    *,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    failed_request_status_codes: Statuses = FAILED,
    **options: Unpack[OptionArguments],
) -> Callable[[], None]:
    """Watch an application that has not started yet; what this returns ends that again.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. An error that a middleware of the application answers is reported, as
    handled, if the status is among ``failed_request_status_codes``, and so is an ``HTTPException`` with such a status.
    Of a second call for one application the arguments count. Raises `SetupError`.
    """
    failed = statuses(failed_request_status_codes)
    watch = app.get(_WATCH)
    if watch is None and app.pre_frozen:
        raise OptionError("setup() comes before the application starts, or is added to another one")
    clients = choose(dsn, client=client, transport=transport, **options)
    if watch is None:
        watch = app[_WATCH] = _Watch()
        watch.join(app)
    watch.begin(app, clients, failed)
    return partial(watch.end, app)


class _Watch:
    """What watches one application."""

    def __init__(self) -> None:
        self._clients: Clients | None = None
        self._failed = FAILED

    def join(self, app: web.Application) -> None:
        """Take a place wherever an application offers one."""
        app.on_response_prepare.append(_name_event)
        app.on_startup.insert(0, self._start)
        app.middlewares.insert(0, self._serve)
        app.middlewares.append(self._note)
        app.on_cleanup.append(self._finish)

    def begin(self, app: web.Application, clients: Clients, failed: Statuses) -> None:
        self._clients = clients
        self._failed = failed
        for name in _LIFE:
            vars(app).setdefault(name, self._watched(getattr(app, name)))

    def end(self, app: web.Application) -> None:
        self._clients = None
        for name in _LIFE:
            vars(app).pop(name, None)

    def _client(self) -> Client[Any] | None:
        client = None if self._clients is None else self._clients()
        return client if client is not None and client.active else None

    @web.middleware
    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The outermost middleware: all that is done for a request is done in it."""
        client = self._client()
        visit = visit_of(request)
        if client is None:
            return await handler(request)
        if visit is not None and visit.client is client:  # of an application around this one
            return await self._answer(visit, request, handler)
        visit = Visit(client, request)
        with client.work_scope(lambda: describe(request)) as visit.known:
            try:
                return await self._answer(visit, request, handler)
            finally:
                visit.end()

    async def _answer(self, visit: Visit, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = await handler(request)
        except web.HTTPException as error:
            if error.status in self._failed:
                visit.client.report(error, _HANDLED)
            raise
        except Exception as error:
            if has_left(request, error):
                visit.client.disregard(error)  # which aiohttp logs all the same
            else:
                visit.client.report(error, _UNHANDLED)
            raise
        if visit.raised is not None and answer.status in self._failed:
            visit.client.report(visit.raised, _HANDLED)
        return answer

    @web.middleware
    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The innermost middleware: notes what another one perhaps answers."""
        try:
            return await handler(request)
        except Exception as error:
            visit = visit_of(request)
            if visit is not None:
                visit.raised = error
            raise

    async def _start(self, app: web.Application) -> None:
        client = self._client()
        if client is not None:
            client.wake()
        if not app.pre_frozen:  # what the application has added since then comes between ours
            others = [each for each in app.middlewares if each not in (self._serve, self._note)]
            # With no others there is nobody who would answer what a handler raises.
            app.middlewares[:] = [self._serve, *others, self._note] if others else [self._serve]
            app.on_cleanup.remove(self._finish)
            app.on_cleanup.append(self._finish)

    async def _finish(self, _: web.Application) -> None:
        client = self._client()
        if client is not None:
            await client.flush_async()

    def _watched(self, live: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def watched() -> None:
            try:
                await live()
            except Exception as error:
                client = self._client()
                if client is not None:
                    client.report(error, _UNHANDLED)
                raise

        return watched


async def _name_event(request: web.Request, response: web.StreamResponse) -> None:
    visit = visit_of(request)
    event_id = None if visit is None else visit.last_event_id()
    if event_id is not None:
        response.headers[EVENT_ID_HEADER] = event_id


_WATCH: Final = web.AppKey("asyncsentry", _Watch)
