"""What is known of a request that a Tornado handler serves: told when an event is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tornado.httputil import HTTPServerRequest, split_host_and_port
from tornado.routing import PathMatches, Rule, RuleRouter
from tornado.web import Application, RequestHandler

from asyncsentry.events.http import HttpRequest
from asyncsentry.events.work import Work

_OF_USER: Final = ("id", "username", "email", "name")


def describe(
    application: Application,
    request: HTTPServerRequest,
    kind: type[RequestHandler],
    handler: RequestHandler | None,
) -> Work:
    """The work of a handler of this ``kind``; it has no ``handler`` yet where none could be made."""
    route = _route(application, request, kind)
    user = None if handler is None else _user(vars(handler).get("_current_user"))
    if route is None:
        name = f"{kind.__qualname__}.{(request.method or '').lower()}"
        return Work(transaction=name, source="component", request=_request(request), user=user)
    return Work(transaction=route, source="route", request=_request(request), user=user)


def _route(application: Application, request: HTTPServerRequest, kind: type[RequestHandler]) -> str | None:
    """The pattern that led to the handler, as the application has written it."""
    for rule in _rules(application.default_router):
        matcher = rule.matcher
        if rule.target is kind and isinstance(matcher, PathMatches) and matcher.regex.match(request.path):
            return str(matcher.regex.pattern).removesuffix("$")
    return None


def _rules(router: RuleRouter) -> Iterator[Rule]:
    for rule in router.rules:
        if isinstance(rule.target, RuleRouter):
            yield from _rules(rule.target)
        else:
            yield rule


def _request(request: HTTPServerRequest) -> HttpRequest:
    headers = list(request.headers.get_all())
    size = request.headers.get("Content-Length", "")
    return HttpRequest(
        method=request.method or "",
        url=f"{request.protocol}://{request.host}{request.path}",
        query=request.query,
        headers=headers,
        env=_environment(request),
        body=_body(request),
        body_size=int(size) if size.isdecimal() else None,
    )


def _environment(request: HTTPServerRequest) -> dict[str, str]:
    """The server as the client has called it: of its socket nothing is left once the connection is closed."""
    _, port = split_host_and_port(request.host)
    environment = {"SERVER_NAME": request.host_name, "REMOTE_ADDR": request.remote_ip or ""}
    return environment if port is None else {**environment, "SERVER_PORT": str(port)}


def _body(request: HTTPServerRequest) -> bytes | Mapping[str, Any] | None:
    """What Tornado has read before it called the handler; of a form with files the fields, which it has parsed."""
    if request.files or request.headers.get("Content-Type", "").startswith("multipart/"):
        return {
            name: [value.decode("utf-8", "replace") for value in values]
            for name, values in request.body_arguments.items()
        }
    return request.body or None


def _user(user: object) -> dict[str, Any] | None:
    """Who the application says the user is: often a name alone, from a signed cookie."""
    if isinstance(user, bytes):
        user = user.decode("utf-8", "replace")
    if isinstance(user, (str, int)):
        return {"username": str(user)} if user else None
    known = user if isinstance(user, Mapping) else getattr(user, "__dict__", {})
    return {name: known[name] for name in _OF_USER if known.get(name) is not None}
