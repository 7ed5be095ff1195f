"""A request that an aiohttp server has in hand."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import hdrs, web

from asyncsentry.client import Client
from asyncsentry.events.http import HttpRequest
from asyncsentry.events.work import Work
from asyncsentry.scope import Scope


class Visit:
    """What is remembered of a request, in the request itself: its answer begins after its scope has ended."""

    def __init__(self, client: Client[Any], request: web.Request) -> None:
        self.client = client
        self.known: Scope | None = None
        """What is known of the request while it is served."""
        self.raised: Exception | None = None
        """What the handler raised, and a middleware of the application perhaps answers."""
        self._last_event_id: str | None = None
        request[_VISIT] = self

    def last_event_id(self) -> str | None:
        return self._last_event_id if self.known is None else self.known.last_event_id

    def end(self) -> None:
        """Let go of what holds the request: else both would live on until garbage is collected."""
        self._last_event_id = self.last_event_id()
        self.known = self.raised = None


# The first with keys of requests is aiohttp 3.14, and from then on others are warned of.
_VISIT: Final[Any] = web.RequestKey("asyncsentry", Visit) if hasattr(web, "RequestKey") else "asyncsentry"


def visit_of(request: web.BaseRequest) -> Visit | None:
    visit: Visit | None = request.get(_VISIT)
    return visit


def has_left(request: web.BaseRequest, error: Exception) -> bool:
    """Whether ``error`` says that the client is gone, and it is."""
    transport = request.transport
    return isinstance(error, ConnectionError) and (transport is None or transport.is_closing())


def describe(request: web.Request) -> Work:
    """The route that a request took, and the request."""
    resource = request.match_info.route.resource
    if resource is None:  # there is no such page
        return Work(transaction=request.path, source="url", request=_request_of(request))
    return Work(transaction=resource.canonical, request=_request_of(request))


def _request_of(request: web.Request) -> HttpRequest:
    environment = _environment(request)
    # Without the header aiohttp asks the system for the host's name, which may take long.
    host = request.host if hdrs.HOST in request.headers else environment.get("SERVER_NAME", "localhost")
    return HttpRequest(
        method=request.method,
        url=f"{request.scheme}://{host}{request.rel_url.raw_path}",
        query=request.rel_url.raw_query_string,
        headers=list(request.headers.items()),
        env=environment,
        body=_body(request),
        body_size=request.content_length,
    )


def _body(request: web.Request) -> bytes | dict[str, str] | None:
    """What the application has read: the bytes, or a form's fields with the names of its files."""
    body, form = request._read_bytes, request._post
    if body is not None or form is None:
        return body
    return {name: value if isinstance(value, str) else getattr(value, "filename", "") for name, value in form.items()}


def _environment(request: web.Request) -> dict[str, str]:
    transport = request.transport
    address = None if transport is None else transport.get_extra_info("sockname")
    environment = {}
    if isinstance(address, tuple):  # and not the path of a socket in a folder
        environment = {"SERVER_NAME": str(address[0]), "SERVER_PORT": str(address[1])}
    if request.remote:
        environment["REMOTE_ADDR"] = request.remote
    return environment
