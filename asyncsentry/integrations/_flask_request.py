"""A request that a Flask application has in hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from flask import Request, g, has_request_context, request, session

from asyncsentry.events.bodies import FORM_LIMIT
from asyncsentry.events.http import HttpRequest
from asyncsentry.events.work import Work
from asyncsentry.integrations import wsgi
from asyncsentry.integrations._wsgi import Environ

_RULE: Final = "asyncsentry.flask.rule"
_ANSWERED: Final = "asyncsentry.flask.answered"


def note_answered(error: Exception | None) -> None:
    """Remember which error the request is answered for; with None: it is not."""
    request.environ[_ANSWERED] = error


def note_answer() -> Exception | None:
    """Remember which route the request took: Flask forgets it before the answer is streamed.

    Gives the error that the request is answered for.
    """
    asked = _asked()
    environ: Environ = asked.environ
    if asked.url_rule is not None:
        environ[_RULE] = asked.url_rule.rule
    error: Exception | None = environ.pop(_ANSWERED, None)
    return error


def describe(environ: Environ, told: HttpRequest) -> Work:
    """The route that a request took, the request, and its user, as far as the application knows them by now."""
    work = wsgi.describe(environ, told)
    rule: str | None = environ.get(_RULE)
    if has_request_context() and request.environ is environ:
        rule = None if request.url_rule is None else request.url_rule.rule
        work = replace(work, request=replace(told, body=_form() or told.body), user=_user() or work.user)
    return work if rule is None else replace(work, transaction=rule, source="route")


def _asked() -> Request:
    """The request itself, which ``flask.request`` only stands for."""
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]  # a proxy is typed as what it is for
    return asked


def _form() -> Mapping[str, Any]:
    """The fields of a form, with the names of its files, if the application has had it parsed."""
    known = vars(_asked())  # where a property keeps its value
    fields: dict[str, Any] = {}
    for name, values in _first(known.get("form")):
        fields[name] = values[0] if len(values) == 1 else values
    for name, files in _first(known.get("files")):
        fields[name] = [file.filename for file in files]
    return fields


def _first(parsed: Any) -> Iterator[tuple[str, list[Any]]]:
    return iter(()) if parsed is None else islice(parsed.lists(), FORM_LIMIT)


def _user() -> Mapping[str, Any] | None:
    """Who has logged in by Flask-Login, if the application has asked for that already.

    What Flask-Login keeps in the session is that user's id. The user is a row of a database, which may ask it again.
    """
    login = sys.modules.get("flask_login")
    user = g.get("_login_user") if login is not None else None
    if login is None or user is None or isinstance(user, login.AnonymousUserMixin):
        return None
    try:
        return {"id": session.get("_user_id") or user.get_id()}
    except Exception:  # the application's own: what else is known is told without it
        return None
