"""What is known of a request to twisted.web: told when an event is made of it."""

from __future__ import annotations

import sys
from typing import Any

from twisted.web.resource import IResource
from twisted.web.server import Request

from asyncsentry.events.http import HttpRequest
from asyncsentry.events.work import Work


def describe(request: Request, resource: IResource | None, body_limit: int) -> Work:
    """The work of a request, which ``resource`` renders, if one was found already."""
    shown = _request(request, body_limit)
    user = text(vars(request).get("user"))
    known = {"username": user} if user else None
    route = None if resource is None else _route(request)
    if route is not None:
        return Work(transaction=route, source="route", request=shown, user=known)
    if resource is None:
        return Work(transaction=text(request.path), source="url", request=shown, user=known)
    name = f"{type(resource).__qualname__}.render_{text(request.method)}"
    return Work(transaction=name, source="component", request=shown, user=known)


def text(raw: Any) -> str:
    """What Twisted gives as bytes."""
    return raw.decode("latin-1") if isinstance(raw, bytes) else ""


def _route(request: Request) -> str | None:
    """The rule of Klein's that the path fits, if Klein serves it."""
    klein = sys.modules.get("klein.interfaces")
    known = None if klein is None else request.getComponent(klein.IKleinRequest)
    mapper = getattr(known, "mapper", None)
    if mapper is None:
        return None
    from werkzeug.exceptions import HTTPException

    try:
        rule, _ = mapper.match(return_rule=True)
    except HTTPException:
        return None
    return str(rule.rule)


def _request(request: Request, body_limit: int) -> HttpRequest:
    headers = [
        (text(name), text(value)) for name, values in request.requestHeaders.getAllRawHeaders() for value in values
    ]
    path, _, query = text(request.uri).partition("?")
    host = text(request.getHeader(b"host")) or text(request.getRequestHostname())
    size = text(request.getHeader(b"content-length"))
    return HttpRequest(
        method=text(request.method),
        url=f"{'https' if request.isSecure() else 'http'}://{host}{path}",
        query=query,
        headers=headers,
        env=_environment(request),
        body=_body(request, body_limit),
        body_size=int(size) if size.isdecimal() else None,
    )


def _environment(request: Request) -> dict[str, str]:
    server, client = request.getHost(), request.getClientAddress()
    environment = {"SERVER_NAME": getattr(server, "host", None), "REMOTE_ADDR": getattr(client, "host", None)}
    port = getattr(server, "port", None)
    known = {name: str(value) for name, value in environment.items() if value is not None}
    return known if port is None else {**known, "SERVER_PORT": str(port)}


def _body(request: Request, limit: int) -> bytes | None:
    """As far as the application has read it; of a form all, which Twisted has read. The file is left as it was."""
    content = request.content
    if not limit or content is None or content.closed:
        return None
    place = content.tell()
    is_form = text(request.getHeader(b"content-type")).startswith("application/x-www-form-urlencoded")
    content.seek(0)
    body: bytes = content.read(limit + 1 if is_form else min(place, limit + 1))
    content.seek(place)
    return body or None
