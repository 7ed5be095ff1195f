"""What Sanic knows of a request, and of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sanic.handlers import ErrorHandler

from asyncsentry.events.http import HttpRequest, declared_size
from asyncsentry.events.work import Work

if TYPE_CHECKING:
    from sanic.request import Request


def has_handler(request: Request, error: Exception) -> bool:
    """Whether the application answers this error itself."""
    handler = request.app.error_handler
    return type(handler).default is not ErrorHandler.default or handler.lookup(error, request.name) is not None


def way_through_sanic(error: Exception) -> tuple[str, ...]:
    """The functions of Sanic's own through which an error came in the end, the outermost first."""
    way: list[str] = []
    trace = error.__traceback__
    while trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith("sanic."):
        way.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    return tuple(way)


def describe(request: Request) -> Work:
    """The route that a request took, and the request."""
    shown = HttpRequest(
        method=request.method,
        url=f"{request.scheme}://{request.host}{request.path}",
        query=request.query_string,
        headers=list(request.headers.items()),
        env=_environment(request),
        body=request.body,
        body_size=declared_size(request.headers.get("content-length")),
    )
    route = request.uri_template
    return Work(transaction=route or request.path, source="route" if route else "url", request=shown)


def _environment(request: Request) -> dict[str, str]:
    transport, connection = request.transport, request.conn_info
    name = None if transport is None else transport.get_extra_info("sockname")
    environment = {"SERVER_NAME": str(name[0]), "SERVER_PORT": str(name[1])} if isinstance(name, tuple) else {}
    if connection is not None and connection.client_ip:
        environment["REMOTE_ADDR"] = connection.client_ip
    return environment
