"""Who watches an application of Flask's, and what they do."""

from __future__ import annotations

import logging as levels
from typing import Any, Final

from flask import Flask, g, got_request_exception, has_app_context, has_request_context, request_finished

from asyncsentry import api
from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.hooks import Uninstall, logging as log_records
from asyncsentry.integrations._clients import Clients
from asyncsentry.integrations._flask_request import describe, note_answer, note_answered
from asyncsentry.integrations._statuses import Statuses
from asyncsentry.integrations.wsgi import Watch

_UNHANDLED: Final = Mechanism("flask", handled=False)
_HANDLED: Final = Mechanism("flask", handled=True)


class Watched:
    """An application that is watched: by Flask's signals, in it, and around it."""

    def __init__(self, app: Flask, clients: Clients, failed: Statuses, *, wrap_wsgi: bool, signal: bool) -> None:
        self._clients = clients
        self._failed = failed
        self._signal = signal
        self._handle = app.handle_user_exception
        watch = Watch(app.wsgi_app, self._client, "flask", describe, failed if wrap_wsgi else (), unhandled=wrap_wsgi)
        self._undo = [
            _replace(app, "wsgi_app", watch),
            _replace(app, "handle_user_exception", self._answer),
        ]
        got_request_exception.connect(self._hear_of_error, app)
        request_finished.connect(self._hear_of_answer, app)
        self._undo.append(lambda: got_request_exception.disconnect(self._hear_of_error, app))
        self._undo.append(lambda: request_finished.disconnect(self._hear_of_answer, app))

    def hear(self, logging: bool | None, level: int | None, exclusions: tuple[str, ...]) -> None:
        """Hear log records as raven's options say it; with none of these, as `init` does."""
        client = self._clients()
        if client.active and (logging is not None or level is not None):
            self._undo.append(_hear(client, None if logging is False else levels.ERROR if level is None else level))
        if exclusions:
            self._undo.append(log_records.claim(lambda record: f"{record.name}.".startswith(exclusions)))

    def end(self) -> None:
        """Leave the application as it was; what others have put around us since passes us by."""
        nobody: Client[Any] = Client("")
        self._clients = lambda: nobody
        while self._undo:
            self._undo.pop()()

    def _client(self) -> Client[Any]:
        return self._clients()

    def _answer(self, error: Exception) -> Any:
        """Stands in for the application's ``handle_user_exception``, which raises what it has no answer to."""
        answer = self._handle(error)
        note_answered(error)
        return answer

    def _hear_of_error(self, _sender: Flask, exception: Exception, **_: Any) -> None:
        """Nobody handled this: it is what the request fails with, and not what was answered before."""
        if has_request_context():
            note_answered(None)
        if self._signal:
            self._report(exception, _UNHANDLED)

    def _hear_of_answer(self, _sender: Flask, response: Any, **_: Any) -> None:
        error = note_answer() if has_request_context() else None
        if error is not None and response.status_code in self._failed:
            self._report(error, _HANDLED)

    def _report(self, error: Exception, mechanism: Mechanism) -> None:
        client = self._clients()
        client.report(error, mechanism)
        name_event(client.last_event_id())


def _hear(client: Client[Any], event_level: int | None) -> Uninstall:
    """Hear log records from this level on, until they are heard as `init` has it."""
    options = client.options
    breadcrumb_level = levels.INFO if options.enable_breadcrumbs and options.max_breadcrumbs else None
    uninstall = log_records.install(client, event_level=event_level, breadcrumb_level=breadcrumb_level)

    def restore() -> None:
        uninstall()
        if client is api.get_client() and client.active and options.install_logging_hook:
            log_records.install(client, breadcrumb_level=breadcrumb_level)

    return restore


def name_event(event_id: str | None) -> str | None:
    """Let templates know the event, as raven does."""
    if event_id is not None and has_app_context():
        g.sentry_event_id = event_id
    return event_id


def _replace(app: Flask, name: str, ours: Any) -> Uninstall:
    """Put ours in the place of a method of this application's, and no other's."""
    before = vars(app).get(name)
    vars(app)[name] = ours

    def restore() -> None:
        if vars(app).get(name) is not ours:
            return  # somebody has put something around it
        if before is None:
            del vars(app)[name]
        else:
            vars(app)[name] = before

    return restore
