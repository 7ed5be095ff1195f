"""Setting Flask up: once, again and not any more; by raven's options and with its methods; commands and logs."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g
from werkzeug.middleware.proxy_fix import ProxyFix

import asyncsentry
from asyncsentry import api
from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.integrations.flask import Sentry, setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.programs.shop import Broken
from integrations.serving import mechanism, outline


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client()


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A program in which nobody has called `init` yet."""
    monkeypatch.setattr(api, "_default", api._Default())
    yield
    asyncsentry.close()


def fail() -> str:
    raise Broken("fail")


# -- commands

PROGRAM = """
from flask import Flask
from asyncsentry.integrations.flask import Sentry

app = Flask(__name__)
Sentry(app)


@app.cli.command("count")
def count() -> None:
    raise LookupError("there is nothing to count")
"""


def test_what_ends_a_command_is_reported_once(sentry: LocalSentry, tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "flask", "--app", "counting", "count"],
        cwd=tmp_path,
        env={**os.environ, "SENTRY_DSN": sentry.dsn},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 1, done.stderr
    assert "LookupError: there is nothing to count" in done.stderr
    (event,) = sentry.events
    assert (outline(event), mechanism(event)) == ("LookupError: there is nothing to count", ("excepthook", False))


# -- setting up


def test_the_last_set_up_of_an_application_counts_alone(open_client: OpenClient, sentry: LocalSentry) -> None:
    app = Flask("shop")
    app.add_url_rule("/", view_func=fail)
    for name in ("first", "second"):
        Sentry(app, client=open_client(environment=name))
    app.test_client().get("/")
    assert [event["environment"] for event in sentry.events] == ["second"]


@pytest.mark.parametrize("wrapped", [False, True], ids=["alone", "in others"])
def test_setting_up_can_be_undone(client: Client[Any], sentry: LocalSentry, wrapped: bool) -> None:
    app = Flask("shop")
    own = vars(app)["handle_user_exception"] = app.handle_user_exception  # as other extensions do
    app.add_url_rule("/", view_func=fail)
    undo = setup(app, client=client, wrap_wsgi=True, logging_exclusions=["noisy"])
    if wrapped:
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    for _ in range(2):
        undo()
        assert app.test_client().get("/").status_code == 500
    assert list(sentry.events) == []
    assert app.handle_user_exception is own
    assert ("wsgi_app" in vars(app)) is wrapped


@pytest.mark.usefixtures("begun")
def test_an_extension_is_made_first_and_told_of_applications_later(sentry: LocalSentry) -> None:
    extension = Sentry(wrap_wsgi=False, environment="mine")
    assert not extension.client.active
    apps = [Flask("one"), Flask("two")]
    for app in apps:
        app.config["SENTRY_DSN"] = sentry.dsn_for("urllib")
        extension.init_app(app, environment="theirs")
        app.add_url_rule("/", view_func=fail)
        app.test_client().get("/")
        assert app.extensions["sentry"] is extension
    assert extension.client is asyncsentry.get_client()
    assert [event["environment"] for event in sentry.events] == ["theirs"] * 2


@pytest.mark.usefixtures("begun")
def test_what_an_application_has_configured_replaces_no_client(client: Client[Any], sentry: LocalSentry) -> None:
    app = Flask("shop")
    app.config["SENTRY_DSN"] = "https://mine@sentry.example.com/1"
    setup(app, client=client)
    assert not asyncsentry.is_initialized()
    mine = asyncsentry.init(sentry.dsn, environment="mine")
    setup(app)
    assert asyncsentry.get_client() is mine


@pytest.mark.parametrize(
    "wrong", [{"level": "ERROR"}, {"level": True}, {"logging_exclusions": "noisy"}, {"logging_exclusions": [1]}]
)
def test_a_mistake_is_an_error_at_set_up_and_changes_nothing(client: Client[Any], wrong: dict[str, Any]) -> None:
    app = Flask("shop")
    with pytest.raises(OptionError, match=next(iter(wrong))):
        Sentry(app, client=client, **wrong)
    assert app.extensions == {}
    assert "wsgi_app" not in vars(app)


def test_an_application_that_is_gone_leaves_nothing_behind(client: Client[Any]) -> None:
    app = Flask("shop")
    Sentry(app, client=client)
    app.test_client().get("/")
    gone = weakref.ref(app)
    del app
    gc.collect()
    assert gone() is None


# -- log records


@pytest.mark.parametrize(
    ("options", "events", "crumbs"),
    [
        ({}, ["error"], ["info", "warning"]),
        ({"logging": True}, ["error"], ["info", "warning"]),
        ({"logging": False}, [], ["info", "warning", "error"]),
        ({"level": logging.WARNING}, ["warning", "error"], ["info"]),
        ({"logging": True, "level": logging.WARNING, "logging_exclusions": ["fruit"]}, [], []),
        ({"logging": True, "enable_breadcrumbs": False}, ["error"], []),
    ],
    ids=str,
)
@pytest.mark.usefixtures("begun")
def test_log_records_become_events_as_ravens_options_say(
    sentry: LocalSentry, options: Any, events: list[str], crumbs: list[str]
) -> None:
    undo = setup(Flask("shop"), sentry.dsn_for("urllib"), **options)
    shelf = logging.getLogger("fruit.shelf")
    shelf.setLevel(logging.INFO)
    for level in ("info", "warning", "error"):
        getattr(shelf, level)(level)
    asyncsentry.capture_message("last")
    first, *_ = sentry.events
    count = len(sentry.events)
    undo()
    shelf.error("as ever")
    assert [event["logentry"]["message"] for event in sentry.events[count:]] == ["as ever"]
    assert [event["logentry"].get("message", "last") for event in sentry.events[:count]] == [*events, "last"]
    left = first.get("breadcrumbs", {}).get("values", [])
    assert [crumb["message"] for crumb in left] == crumbs


def test_what_werkzeug_logs_otherwise_is_a_record_like_others(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    app = Flask("shop")
    undo = setup(app, client=client, logging=True)
    logger = logging.getLogger("werkzeug")
    logger.error("Error on request:\nnone at all")
    try:
        fail()
    except Broken:
        logger.error("another thing")
        logger.error("Error on request:\nTraceback")
        logger.error("Error on request:\nTraceback")
    undo()
    assert [event.get("logger") for event in sentry.events] == ["werkzeug", "werkzeug", None]
    assert mechanism(sentry.events[-1]) == ("werkzeug", False)


# -- what raven's users have in their code


def test_an_extension_has_the_methods_of_ravens(client: Client[Any], sentry: LocalSentry) -> None:
    app = Flask("shop")
    extension = Sentry(app, client=client)

    @app.get("/")
    def view() -> str:
        extension.user_context({"id": 7})
        extension.user_context({"email": "ada@example.com"})
        extension.tags_context({"fruit": "pears"})
        extension.extra_context({"left": 3})
        first = None
        try:
            fail()
        except Broken:
            first = extension.captureException(exc_info=True, tags={"more": "yes"}, extra={"asked": 4})
        assert first == extension.last_event_id == g.sentry_event_id
        return str(extension.captureMessage("hello", level="info"))

    answer = app.test_client().get("/")
    assert extension.client is client
    error, message = sentry.events
    assert answer.text == answer.headers["X-Sentry-ID"] == message["event_id"]
    assert outline(error) == "Broken: fail"
    assert (error["tags"], error["extra"]) == ({"fruit": "pears", "more": "yes"}, {"left": 3, "asked": 4})
    assert error["user"] == {"id": "7", "email": "ada@example.com"}
    assert (outline(message), message["level"], message["tags"]) == ("hello", "info", {"fruit": "pears"})


def test_outside_of_requests_too(client: Client[Any], sentry: LocalSentry) -> None:
    extension = Sentry(Flask("shop"), client=client)
    assert extension.captureMessage("hello") == sentry.events[0]["event_id"]
    assert sentry.events[0]["level"] == "error"
    assert extension.captureException() is None
