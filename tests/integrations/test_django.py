"""What is particular to Django: its setting, its errors and answers, who reports what, commands."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import got_request_exception
from django.http import HttpRequest
from django.test import AsyncClient, Client as Browser, RequestFactory, override_settings

from asyncsentry import hooks
from asyncsentry.client import Client
from asyncsentry.integrations.asgi import SentryMiddleware as AsgiMiddleware
from asyncsentry.integrations.django import SentryMiddleware
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations import django_project
from integrations.django_project import MIDDLEWARE, watched
from integrations.programs.shop import Broken
from integrations.serving import mechanism, outline

FIRST = "asyncsentry.integrations.django.SentryMiddleware"
LAST = "asyncsentry.integrations.django.middleware.ViewErrors"
NOT_FOUND = "asyncsentry.integrations.django.SentryNotFoundMiddleware"


@pytest.fixture
def client(open_client: OpenClient) -> Iterator[Client[Any]]:
    """A client that hears all that is logged, too: what Django logs is no second event."""
    client = open_client()
    uninstall = hooks.logging.install(client)
    yield client
    uninstall()


def ask(path: str, **given: Any) -> Any:
    return Browser(raise_request_exception=False).get(path, **given)


def ask_later(path: str, **given: Any) -> Any:
    async def asking() -> Any:
        return await AsyncClient(raise_request_exception=False).get(path, **given)

    return asyncio.run(asking())


# -- the setting


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("https://key@host/1", "SENTRY must be a dictionary"),
        ({1: 2}, "SENTRY must be a dictionary"),
        ({"dsn": "nonsense"}, "SENTRY: "),
        ({"dsn": "", "sample_rates": 1}, "sample_rate"),
        ({"failed_request_status_codes": [7]}, "failed_request_status_codes"),
        ({"query_breadcrumbs": "no"}, "query_breadcrumbs"),
    ],
)
def test_a_setting_that_cannot_be_is_an_error_at_the_start(given: Any, complaint: str) -> None:
    with override_settings(SENTRY=given), pytest.raises(ImproperlyConfigured, match=complaint):
        django_project.config().ready()


def test_the_middleware_is_there_once_and_where_it_was_put(client: Client[Any]) -> None:
    with watched(client):
        assert [FIRST, *MIDDLEWARE, LAST] == settings.MIDDLEWARE
        django_project.config().ready()
        assert [FIRST, *MIDDLEWARE, LAST] == settings.MIDDLEWARE
    with watched(client, middleware=(FIRST,)):
        assert [*MIDDLEWARE, FIRST, LAST] == settings.MIDDLEWARE


def test_middleware_without_the_app_says_what_is_missing() -> None:
    with (
        override_settings(INSTALLED_APPS=["rest_framework"]),
        pytest.raises(ImproperlyConfigured, match="INSTALLED_APPS"),
    ):
        SentryMiddleware(lambda _: None)


def test_what_is_not_watched_any_more_reports_nothing(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client):
        browser = Browser(raise_request_exception=False)
        browser.get("/fail/500")
    assert browser.get("/fail/500").status_code == 500
    assert django_project.config().clients().active is False
    assert len(sentry.events) == 2  # the second one is what Django logs
    assert mechanism(sentry.events[1]) == ("logging", True)


# -- errors


@pytest.mark.parametrize("ask", [ask, ask_later])
@pytest.mark.parametrize("kind", ["fail", "later"])
@pytest.mark.parametrize("debug", [False, True])
def test_an_error_is_one_event_and_its_answer_names_it(
    client: Client[Any], sentry: LocalSentry, kind: str, ask: Any, debug: bool
) -> None:
    with watched(client, DEBUG=debug):
        answer = ask(f"/{kind}/500")
    (event,) = sentry.events
    assert (outline(event), mechanism(event)) == ("Broken: fail", ("django", False))
    assert event["transaction"] == f"/{kind}/{{how}}"
    assert (answer.status_code, answer.headers["X-Sentry-ID"]) == (500, event["event_id"])
    if not debug:
        assert answer.content.decode() == f"Quote {event['event_id']}."


@pytest.mark.parametrize("ask", [ask, ask_later])
@pytest.mark.parametrize("how", ["404", "403", "400", "suspicious"])
def test_what_is_the_clients_mistake_is_none_of_ours(
    client: Client[Any], sentry: LocalSentry, how: str, ask: Any
) -> None:
    with watched(client):
        assert ask(f"/fail/{how}").status_code in (400, 403, 404)
    assert list(sentry.events) == []


def test_a_host_that_is_not_allowed_is_no_error_and_breaks_nothing(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client):
        assert ask("/fail/500", HTTP_HOST="elsewhere.example").status_code == 400
        assert list(sentry.events) == []
    with watched(client, middleware=()), override_settings(MIDDLEWARE=[FIRST]):
        assert ask("/fail/500", HTTP_HOST="elsewhere.example").status_code == 500
    (event,) = sentry.events
    assert event["request"]["url"] == "http://elsewhere.example/fail/500"


@pytest.mark.parametrize("how", ["403", "400", "suspicious"])
def test_a_status_may_be_a_failure_if_the_project_says_so(client: Client[Any], sentry: LocalSentry, how: str) -> None:
    with watched(client, failed_request_status_codes=range(400, 600)):
        answer = ask(f"/fail/{how}")
    (event,) = sentry.events
    assert mechanism(event)[1] is True
    assert answer.headers["X-Sentry-ID"] == event["event_id"]


@pytest.mark.parametrize("path", ["/answer/404", "/answer/503", "/no-such", "/file", "/stream/well"])
def test_an_answer_without_an_error_is_no_event(client: Client[Any], sentry: LocalSentry, path: str) -> None:
    with watched(client):
        answer = ask(path)
        if answer.streaming:
            assert answer.getvalue() in (b"begun", b"file")
    assert list(sentry.events) == []


def test_a_file_stays_one_that_a_server_sends_by_itself(client: Client[Any]) -> None:
    with watched(client):
        answer = SentryMiddleware(django_project.send_file)(RequestFactory().get("/file"))
    assert answer.file_to_stream.read() == b"file"
    answer.close()


def test_an_error_that_goes_on_to_the_server_is_one_event(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client, DEBUG_PROPAGATE_EXCEPTIONS=True), pytest.raises(Broken):
        Browser(raise_request_exception=True).get("/fail/500")
    assert len(sentry.events) == 1


def test_an_error_that_comes_of_answering_another_is_one_event(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client, middleware=("integrations.django_project.FailsToAnswer",)):
        assert ask("/fail/500").status_code == 500
    (event,) = sentry.events
    assert (outline(event), mechanism(event)) == ("LookupError: no page", ("django", False))
    assert event["exception"]["values"][0]["type"] == "Broken"


def test_a_middleware_that_answers_nothing_is_djangos_to_complain_of(client: Client[Any], sentry: LocalSentry) -> None:
    nothing = "integrations.django_project.ReturnsNothing"
    with watched(client), override_settings(MIDDLEWARE=[FIRST, nothing]), pytest.raises(AttributeError) as caught:
        Browser().get("/answer/200")
    assert "asyncsentry" not in str(caught.traceback[-1].path)


def test_a_client_that_hangs_up_is_no_error(client: Client[Any], sentry: LocalSentry) -> None:
    class Gone:
        def read(self, *_: object) -> bytes:
            raise OSError("gone")

        readline = read

    with watched(client):
        browser: Any = Browser(raise_request_exception=False)
        answer = browser.post(
            "/post", content_type="application/x-www-form-urlencoded", **{"wsgi.input": Gone(), "CONTENT_LENGTH": "9"}
        )
    assert answer.status_code == 500
    assert list(sentry.events) == []


def test_what_the_project_logs_itself_is_heard(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client):
        logging.getLogger("shop").error("no pears")
        got_request_exception.send(sender=None, request=None)  # by hand: there is no error
    (event,) = sentry.events
    assert outline(event) == "no pears"


# -- streams


def test_what_a_stream_raises_is_reported_in_its_request(client: Client[Any], sentry: LocalSentry) -> None:
    with watched(client):
        answer = ask("/stream/fail")
        with pytest.raises(Broken):
            answer.getvalue()
        answer.close()
    (event,) = sentry.events
    assert (outline(event), mechanism(event)) == ("Broken: stream", ("django", False))
    assert event["transaction"] == "/stream/{end}"


def test_what_an_asynchronous_stream_raises_is_reported_in_its_request(
    client: Client[Any], sentry: LocalSentry
) -> None:
    async def main(end: str) -> list[bytes]:
        answer: Any = await AsyncClient().get(f"/stream-later/{end}")
        try:
            async with aclosing(aiter(answer)) as chunks:
                return [chunk async for chunk in chunks]
        finally:
            answer.close()

    with watched(client):
        assert asyncio.run(main("well")) == [b"begun"]
        assert list(sentry.events) == []
        with pytest.raises(Broken):
            asyncio.run(main("fail"))
    (event,) = sentry.events
    assert (outline(event), mechanism(event)) == ("Broken: stream", ("django", False))
    assert event["transaction"] == "/stream-later/{end}"


# -- an asynchronous server


def test_middleware_that_is_synchronous_does_not_part_a_request_from_its_scope(
    client: Client[Any], sentry: LocalSentry
) -> None:
    with watched(client, middleware=("integrations.django_project.Synchronous",)):
        answer = ask_later("/later/500")
    (event,) = sentry.events
    assert event["transaction"] == "/later/{how}"
    assert answer.headers["X-Sentry-ID"] == event["event_id"]


def test_a_project_within_the_middleware_for_any_application_reports_once(
    client: Client[Any], sentry: LocalSentry
) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def main() -> None:
        asked = [{"type": "http.request"}]

        async def receive() -> Any:
            return asked.pop() if asked else await asyncio.Event().wait()

        scope: Any = {"type": "http", "method": "GET", "path": "/later/500", "query_string": b""}
        scope["headers"] = [(b"host", b"testserver")]
        project: Any = ASGIHandler()
        await AsgiMiddleware(project, client=client)(scope, receive, send)

    with watched(client):
        asyncio.run(main())
    (event,) = sentry.events
    assert mechanism(event) == ("django", False)
    assert sent[0]["status"] == 500
    named = [value.decode() for name, value in sent[0]["headers"] if name.lower() == b"x-sentry-id"]
    assert named == [event["event_id"]]


def test_what_was_captured_before_the_loop_is_sent_with_the_first_request(sentry: LocalSentry) -> None:
    client: Client[Any] = Client(sentry.dsn_for("asyncio"))
    client.capture_message("early")

    async def main() -> None:
        browser = AsyncClient()
        for _ in range(2):
            assert (await browser.get("/answer/200")).status_code == 200
        assert await client.flush_async(5.0)

    with watched(client):
        asyncio.run(main())
    client.close()
    assert [outline(event) for event in sentry.events] == ["early"]


# -- pages that are not there


@pytest.mark.parametrize("ask", [ask, ask_later])
def test_a_missing_page_is_a_message_if_that_is_asked_for(client: Client[Any], sentry: LocalSentry, ask: Any) -> None:
    import re

    with watched(client, middleware=(NOT_FOUND,), IGNORABLE_404_URLS=[re.compile(r"^/favicon")]):
        answer = ask("/no-such?token=sesame")
        assert ask("/favicon.ico").status_code == 404
        assert ask("/answer/200").status_code == 200
    (event,) = sentry.events
    assert (outline(event), event["level"], event["logger"]) == ("Page Not Found: /no-such", "info", "http404")
    assert answer.headers["X-Sentry-ID"] == event["event_id"]


# -- Django REST framework


@pytest.mark.parametrize(("status", "expected"), [(403, []), (503, [("django", True)]), (500, [("django", False)])])
def test_rest_framework_answers_errors_by_their_status(
    client: Client[Any], sentry: LocalSentry, status: int, expected: list[Any]
) -> None:
    with watched(client):
        assert ask(f"/rest/{status}").status_code == status
    assert [mechanism(event) for event in sentry.events] == expected


def test_the_projects_own_exception_handler_goes_on_answering(client: Client[Any], sentry: LocalSentry) -> None:
    from rest_framework.response import Response
    from rest_framework.settings import api_settings
    from rest_framework.views import exception_handler

    def own(error: Exception, context: Any) -> Any:
        return Response(status=502)

    with watched(client, REST_FRAMEWORK={"EXCEPTION_HANDLER": own}):
        assert ask("/rest/500").status_code == 502
    (event,) = sentry.events
    assert (outline(event), mechanism(event)) == ("Broken: rest", ("django", True))
    assert api_settings.EXCEPTION_HANDLER is exception_handler


# -- commands

MANAGE = """
import sys

from django.conf import settings
from django.core.management import execute_from_command_line

settings.configure(
    DATABASES={}, INSTALLED_APPS=["asyncsentry.integrations.django", "own"], LOGGING_CONFIG=None, SECRET_KEY="x"
)
execute_from_command_line(sys.argv)
"""
COMMAND = """
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("error")

    def handle(self, error, **_):
        raise CommandError(error) if error == "expected" else LookupError(error)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    commands = tmp_path / "own" / "management" / "commands"
    commands.mkdir(parents=True)
    (commands / "sell.py").write_text(COMMAND)
    for name in ("manage.py", "other.py"):
        (tmp_path / name).write_text(MANAGE)
    return tmp_path


def run(project: Path, dsn: str, *words: str) -> int:
    environment = {**os.environ, "SENTRY_DSN": dsn}
    return subprocess.run([sys.executable, *words], cwd=project, env=environment, capture_output=True).returncode


def test_what_ends_a_command_is_reported_under_its_name(project: Path, sentry: LocalSentry) -> None:
    assert run(project, sentry.dsn, "manage.py", "sell", "pears") == 1
    (event,) = sentry.events
    assert (outline(event), event["level"]) == ("LookupError: pears", "fatal")
    assert (event["transaction"], event["transaction_info"]) == ("sell", {"source": "task"})


def test_a_program_that_is_called_otherwise_has_no_name(project: Path, sentry: LocalSentry) -> None:
    assert run(project, sentry.dsn, "other.py", "sell", "pears") == 1
    (event,) = sentry.events
    assert "transaction" not in event


def test_an_error_that_a_command_tells_its_user_is_none(project: Path, sentry: LocalSentry) -> None:
    assert run(project, sentry.dsn, "manage.py", "sell", "expected") == 1
    assert list(sentry.events) == []


def test_requests_of_no_server_have_what_they_have(client: Client[Any], sentry: LocalSentry) -> None:
    """A request that a test or a command has made by hand."""
    from asyncsentry.integrations.django._serving import Serving

    request = HttpRequest()
    with watched(client), Serving(client, django_project.config().errors, request):
        client.capture_message("text")
    (event,) = sentry.events
    assert event["request"]["url"] == "http://localhost"
