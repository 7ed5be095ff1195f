"""The Django app: when the project is set up, it begins to be watched, as the setting ``SENTRY`` says."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.signals import got_request_exception
from django.http import HttpRequest, UnreadablePostError

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.frames import hide_variables
from asyncsentry.events.work import Work
from asyncsentry.hooks.logging import claim
from asyncsentry.integrations._clients import Clients, nobody
from asyncsentry.integrations._errors import Errors
from asyncsentry.integrations._statuses import FAILED, Statuses
from asyncsentry.integrations.django import _settings
from asyncsentry.integrations.django._queries import Queries
from asyncsentry.integrations.django._secrets import Secrets
from asyncsentry.integrations.django._serving import take_error

LABEL: Final = "asyncsentry"

_MIDDLEWARE: Final = "asyncsentry.integrations.django.middleware"
_FIRST: Final = ("asyncsentry.integrations.django.SentryMiddleware", f"{_MIDDLEWARE}.SentryMiddleware")
_LAST: Final = f"{_MIDDLEWARE}.ViewErrors"

_PROGRAMS: Final = frozenset({"manage.py", "django-admin", "django-admin.exe"})


class SentryConfig(AppConfig):
    """Watches the project that it is installed in."""

    name = "asyncsentry.integrations.django"
    label = LABEL
    verbose_name = "asyncsentry"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        self.clients: Clients = nobody
        self.errors = _errors(FAILED)
        self._off: list[Callable[[], object]] = []

    def ready(self) -> None:
        """Begin, or begin anew. Raises ``ImproperlyConfigured`` if the setting ``SENTRY`` cannot be."""
        given = _settings.read()
        self.uninstall()
        self.clients = given.clients
        self.errors = _errors(given.failed)
        _add_middleware()
        got_request_exception.connect(self._see, dispatch_uid=LABEL)
        self._off = [
            partial(got_request_exception.disconnect, dispatch_uid=LABEL),
            claim(self._claims),
            hide_variables(Secrets),
        ]
        _name_command(self.clients())
        if given.query_breadcrumbs:
            self._off.append(Queries(self.clients).watch())
        if apps.is_installed("rest_framework"):
            from asyncsentry.integrations.django import _rest

            self._off.append(_rest.watch(self))

    def uninstall(self) -> None:
        """Watch no more. The middleware stays where it is, and does nothing."""
        self.clients = nobody
        while self._off:
            self._off.pop()()

    def _see(self, request: HttpRequest | None = None, **_: object) -> None:
        """Django is about to answer an error with 500: this one, even if it came of another that somebody answered."""
        error = sys.exc_info()[1]
        if request is not None:
            take_error(request)
        if isinstance(error, Exception):
            self.errors.raised(error, self.clients())

    def _claims(self, record: logging.LogRecord) -> bool:
        """Django logs each answer from 400 up: what it logs says nothing new but where an error is to be reported."""
        if record.name not in ("django.request", "django.server") and not record.name.startswith("django.security."):
            return False
        return not (record.exc_info and getattr(record, "status_code", 0) in self.errors.failed)


def _errors(failed: Statuses) -> Errors:
    """Django's way with errors. A client that hangs up is nobody's fault."""
    handled, unhandled = Mechanism("django", handled=True), Mechanism("django", handled=False)
    return Errors(handled, unhandled, failed, harmless=(RequestAborted, UnreadablePostError))


def _add_middleware() -> None:
    """Serve each request within ours: from outside of all there is, and from beside the view."""
    given = list(settings.MIDDLEWARE)
    first = [] if any(each in given for each in _FIRST) else [_FIRST[0]]
    last = [] if _LAST in given else [_LAST]
    settings.MIDDLEWARE = [*first, *given, *last]


def _name_command(client: Client[Any]) -> None:
    """Name, on all that is not part of a request, the management command that this process is."""
    scope = client.scopes.global_scope
    program, *words = sys.argv or [""]
    folder, name = os.path.split(program)
    of_django = name in _PROGRAMS or (name == "__main__.py" and os.path.basename(folder) == "django")
    if of_django and words and scope.describe is None:
        scope.describe = lambda: Work(words[0], "task")
