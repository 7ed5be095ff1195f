"""Flask reports each error once, whoever sees it: in all settings, on all servers, and with a test client."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest

from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.asking import Connection
from integrations.frameworks import GUNICORN, Framework
from integrations.programs.flask_settings import SETTINGS, Setting, make_app
from integrations.programs.shop import Broken
from integrations.serving import OPTIONS, PATIENCE, Program, mechanism, outline

SERVERS: Final = ("werkzeug", "debugger", "gunicorn", "gthread")

BY_DEBUG: Final = [[each for each in SETTINGS if each.debug == debug] for debug in ("off", "on", "later")]


@pytest.mark.parametrize("settings", BY_DEBUG, ids=["off", "on", "later"])
def test_each_error_is_reported_once_with_a_test_client(
    settings: list[Setting], sentry: LocalSentry, open_client: OpenClient
) -> None:
    client = open_client(flood_limit=0)
    expected = []
    for setting in settings:
        asking = make_app(setting, client).test_client()
        for number in "12":
            try:
                assert asking.get(f"/fail/{number}").status_code == 500
                assert not setting.propagates
            except Broken:
                assert setting.propagates
            expected += [f"Broken: {setting} {number}"] if setting.is_watched else []
        assert asking.get("/plain").status_code == 200
        expected.append("plain")
    assert [outline(event) for event in sentry.events] == expected
    assert "tags" not in sentry.events[-1]
    assert client.get_isolation_scope().tags == {}


@pytest.mark.parametrize("hook", [True, False], ids=["with logs", "without logs"])
@pytest.mark.parametrize("server", SERVERS)
def test_each_error_is_reported_once_on_a_server(sentry: LocalSentry, server: str, hook: bool) -> None:
    flags = GUNICORN if server.startswith("g") else ("-W", "error")
    options = {**OPTIONS, "server": server, "install_logging_hook": hook}
    program = Program(Framework("flask_settings", "flask", flags=flags), sentry.dsn, options=options)
    expected = {}
    try:
        with Connection(program.url()) as connection:
            for setting in SETTINGS:
                assert connection.ask("GET", f"/{setting}/fail/1").status == 500
                logged = hook and not (server == "debugger" and setting.propagates)  # which says nothing to logs
                expected[f"Broken: {setting} 1"] = 1 if setting.is_watched or logged else 0
            assert connection.ask("GET", "/plain").status == 200
        sentry.wait_for(lambda: "plain" in map(outline, sentry.events), PATIENCE, what="what was captured last")
    finally:
        status = program.end()
    assert status == 0, program.said
    found = Counter(outline(event) for event in sentry.events) - Counter(["goodbye"])  # which only gunicorn says
    assert {name: found.pop(name, 0) for name in expected} == expected
    assert found == {"early": 1, "plain": 1}
    (plain,) = (event for event in sentry.events if outline(event) == "plain")
    assert "tags" not in plain


def test_errors_that_one_line_raises_are_as_many_events(sentry: LocalSentry, open_client: OpenClient) -> None:
    app = make_app(Setting("off", False, None, None, True), open_client())
    for number in range(20):
        app.test_client().get(f"/fail/{number}")
    assert len({outline(event) for event in sentry.events}) == len(sentry.events) == 20
    assert {mechanism(event) for event in sentry.events} == {("flask", False)}
