"""Each kind of event goes through each transport to a real Bugsink, which checks it, stores it, and shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from asyncsentry.registry import BUNDLED
from servers.bugsink import Bugsink

PROGRAM = Path(__file__).with_name("program.py")
TRANSPORTS = sorted({*BUNDLED} - {"eventlet"})
"""All but the one that needs an environment of its own."""


@pytest.fixture(scope="module", params=TRANSPORTS)
def sent(request: pytest.FixtureRequest, bugsink: Bugsink) -> Mapping[str, str]:
    """The ids that the program reported, by kind, when it ran with one transport."""
    done = subprocess.run(
        [sys.executable, "-W", "error", PROGRAM],
        env={**os.environ, "SENTRY_DSN": f"{request.param}+{bugsink.dsn}"},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    ids: dict[str, str] = json.loads(done.stdout)
    return ids


# Any: JSON, of which a test reads what it knows to be there.
def errors(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = event["exception"]["values"]
    return values


def test_an_exception_has_its_frames_with_source_and_variables(sent: Mapping[str, str], bugsink: Bugsink) -> None:
    (error,) = errors(bugsink.event(sent["exception"]))
    assert (error["type"], error["value"]) == ("KeyError", "'pear'")
    assert error["mechanism"]["handled"] is True
    frame = error["stacktrace"]["frames"][-1]
    assert frame["function"] == "fail"
    assert frame["context_line"] == '    print(prices["pear"])'
    assert frame["vars"]["prices"] == {"apple": 3}
    assert bugsink.title(sent["exception"]) == ("KeyError", "'pear'")


def test_a_chain_is_one_event_with_the_cause_first(sent: Mapping[str, str], bugsink: Bugsink) -> None:
    event = bugsink.event(sent["chain"])
    assert [error["type"] for error in errors(event)] == ["KeyError", "LookupError"]
    assert bugsink.title(sent["chain"]) == ("LookupError", "no price")


def test_a_group_is_one_event_with_its_members_under_it(sent: Mapping[str, str], bugsink: Bugsink) -> None:
    values = errors(bugsink.event(sent["group"]))
    group = values[-1]
    assert group["type"] == "ExceptionGroup"
    assert group["mechanism"]["is_exception_group"] is True
    members = {error["type"] for error in values[:-1]}
    assert members == {"ValueError", "TypeError"}
    parents = {error["mechanism"]["parent_id"] for error in values[:-1]}
    assert parents == {group["mechanism"]["exception_id"]}


def test_a_message_has_its_text_and_level(sent: Mapping[str, str], bugsink: Bugsink) -> None:
    event = bugsink.event(sent["message"])
    assert event["logentry"]["formatted"] == "the shop is closed"
    assert event["level"] == "warning"


def test_a_log_record_has_its_template_and_arguments(sent: Mapping[str, str], bugsink: Bugsink) -> None:
    event = bugsink.event(sent["log"])
    assert event["logentry"] == {"message": "no %s left", "params": ["pears"], "formatted": "no pears left"}
    assert event["logger"] == "shop"
    assert event["extra"]["shelf"] == 7


@pytest.mark.parametrize("kind", ["exception", "chain", "group", "message", "log"])
def test_every_event_carries_what_is_known(kind: str, sent: Mapping[str, str], bugsink: Bugsink) -> None:
    event = bugsink.event(sent[kind])
    assert (event["release"], event["environment"]) == ("shop@1.0", "staging")
    assert event["user"] == {"id": "7", "username": "ada"}
    assert event["breadcrumbs"]["values"][0]["message"] == "asked for pears"
    assert event["sdk"]["name"] == "asyncsentry.python"
    assert bugsink.tags(sent[kind])["city"] == "Lisbon"
