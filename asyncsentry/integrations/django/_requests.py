"""What is known of a request: of what Django has made of it already, and nothing that it would make only now."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

from django import http
from django.utils.functional import LazyObject, empty
from django.utils.regex_helper import normalize
from django.views.debug import get_exception_reporter_filter

from asyncsentry.events.http import HttpRequest, declared_size
from asyncsentry.events.scrubbing import FILTERED
from asyncsentry.events.work import Work

T = TypeVar("T")

_ADDRESSES: Final = ("SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR")

_PARAMETER: Final = re.compile(r"(?<!\(\?P)<(?:[^>:]+:)?([^>]+)>")
"""A parameter in a route of ``path()``, such as ``<int:number>``."""

_PLACE: Final = re.compile(r"%\(_?(\w+)\)s")
"""Where a parameter goes in what Django makes of a pattern; one without a name has a number."""

_PATTERN: Final = re.compile(r"[\^$\\(*?\[]")
"""What a route of ``re_path()`` has in it."""


def describe(request: http.HttpRequest) -> Work:
    """Told when an event is made: named by its route, and where it has none yet by its path."""
    match = getattr(request, "resolver_match", None)
    route = None if match is None else _name(match.route or "")
    return Work(
        transaction=request.path if route is None else route,
        source="url" if route is None else "route",
        request=_tell(request),
        user=_ask(_user_of, request),
    )


def _ask(question: Callable[[http.HttpRequest], T], request: http.HttpRequest) -> T | None:
    """What a project's own classes and settings have to say, if they can."""
    try:
        return question(request)
    except Exception:
        return None


@lru_cache(maxsize=1024)
def _name(route: str) -> str:
    """A route without the signs of regular expressions, and with ``{name}`` for its parameters."""
    if not _PATTERN.search(route):
        return "/" + _PARAMETER.sub(r"{\1}", route)
    try:
        text, _ = max(normalize(_PARAMETER.sub(r"(?P<\1>x)", route)), key=lambda form: len(form[1]))
    except Exception:  # a pattern that even Django cannot turn round
        return "/" + route
    return "/" + _PLACE.sub(r"{\1}", text)


def _tell(request: http.HttpRequest) -> HttpRequest:
    meta = request.META
    return HttpRequest(
        method=request.method or "",
        url=f"{_ask(_scheme_of, request) or 'http'}://{_host_of(request)}{request.path}",
        query=meta.get("QUERY_STRING", ""),
        headers=list(request.headers.items()),
        env={name: str(meta[name]) for name in _ADDRESSES if meta.get(name)},
        body=_ask(_body_of, request),
        body_size=declared_size(meta.get("CONTENT_LENGTH")),
    )


def _scheme_of(request: http.HttpRequest) -> str | None:
    return request.scheme


def _host_of(request: http.HttpRequest) -> str:
    """As the settings for proxies say; of a host that is not allowed what the client called it."""
    return _ask(lambda given: given.get_host(), request) or request.META.get("HTTP_HOST") or "localhost"


def _body_of(request: http.HttpRequest) -> bytes | Mapping[str, Any] | None:
    """What somebody has read, or parsed: to ask the request for it would read it."""
    known = vars(request)
    secret = getattr(request, "sensitive_post_parameters", ())
    if known.get("_post"):
        fields: Any = get_exception_reporter_filter(request).get_post_parameters(request)
        return {name: _show_field(name, values, secret) for name, values in fields.lists()}
    return None if secret else known.get("_body")


def _show_field(name: str, values: Any, secret: Any) -> Any:
    if secret == "__ALL__" or name in secret:
        return FILTERED
    return values[0] if len(values) == 1 else values


def _user_of(request: http.HttpRequest) -> dict[str, Any] | None:
    """Who the project's own authentication has found already."""
    known = vars(request)
    user = known.get("user")
    if issubclass(type(user), LazyObject):  # `isinstance` would have it made
        user = vars(user).get("_wrapped", empty)
    if user is None or user is empty:
        user = known.get("_acached_user")
    if user is None or not user.is_authenticated:
        return None
    fields = vars(user)  # to ask a model for a field that is not loaded would ask the database
    shown = {
        "id": fields.get(user._meta.pk.attname),
        "username": fields.get(user.USERNAME_FIELD),
        "email": fields.get(user.get_email_field_name()),
    }
    return {name: value for name, value in shown.items() if value}
