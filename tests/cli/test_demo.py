"""``asyncsentry demo``: three failures of a real program arrive, or it says which did not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from asyncsentry.cli import demo
from asyncsentry.testing import Answer, LocalSentry
from cli.conftest import Command

README = Path(__file__).parents[2] / "README.md"

TITLES = [
    "ZeroDivisionError: division by zero",
    "ConnectionError: mail.example.org hung up on the receipt for ada@example.org",
    "KeyError: 'tea'",
]
PLAIN = ("auto", "asyncio", "threaded", "urllib")
"""The transports that need no package."""


def titles(output: str) -> list[str]:
    return re.findall(r"^\d  (.+)$", output, re.MULTILINE)


def without_what_changes(output: str) -> str:
    """The output with the same port, ids and times as any other run's."""
    for pattern, word in ((r"127\.0\.0\.1:\d+", "HOST"), (r"\b[0-9a-f]{32}\b", "ID"), (r"\d+ ms\b", "TIME")):
        output = re.sub(pattern, word, output)
    return output


@pytest.mark.parametrize("transport", PLAIN)
def test_each_failure_arrives_once_by_every_transport(asyncsentry: Command, transport: str) -> None:
    done = asyncsentry("demo", "--transport", transport)
    assert done.stderr == ""
    assert done.returncode == 0
    assert titles(done.stdout) == TITLES
    assert done.stdout.count(f"transport    {transport},") == 3


def test_what_it_prints_is_what_the_readme_shows(asyncsentry: Command) -> None:
    shown = re.search(
        r"<!-- demo -->\n```text\n(.*?)```\n<!-- /demo -->", README.read_text(encoding="utf-8"), re.DOTALL
    )
    assert shown
    assert without_what_changes(asyncsentry("demo").stdout) == without_what_changes(shown[1])


def test_a_reader_finds_what_went_wrong_where_and_with_which_values(asyncsentry: Command) -> None:
    output = asyncsentry("demo").stdout
    first, second, third = re.split(r"^\d  ", output, flags=re.MULTILINE)[1:]
    assert first.splitlines()[1].strip() == "handled, level error, mechanism generic"
    assert "unhandled, level error, mechanism asyncio" in second
    assert "unhandled, level fatal, mechanism excepthook" in third
    assert "return cents / len(guests)" in first
    assert "cents = 4200" in first
    assert "shop: the shop opens" in first
    assert "city=Lisbon, table=7" in first
    assert "[Filtered]" in second
    assert "open sesame" not in second
    assert "stock" in third


def test_its_lines_fit_the_screen_and_have_no_colour_in_a_pipe(asyncsentry: Command) -> None:
    output = asyncsentry("demo").stdout
    assert "\x1b" not in output
    assert max(map(len, output.splitlines())) <= 100


def test_json_gives_the_events_as_they_arrived_one_a_line(asyncsentry: Command) -> None:
    done = asyncsentry("demo", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [event["exception"]["values"][-1]["type"] for event in events] == [
        "ZeroDivisionError",
        "ConnectionError",
        "KeyError",
    ]


def test_what_the_environment_says_of_sentry_and_proxies_does_not_matter(asyncsentry: Command) -> None:
    elsewhere = "http://127.0.0.1:9"
    done = asyncsentry("demo", SENTRY_DSN="http://key@127.0.0.1:9/1", SENTRY_SAMPLE_RATE="0", HTTP_PROXY=elsewhere)
    assert done.returncode == 0
    assert titles(done.stdout) == TITLES


def test_what_did_not_arrive_is_named_and_the_status_is_1(
    sentry: LocalSentry, capsys: pytest.CaptureFixture[str]
) -> None:
    sentry.always(Answer(status=403))
    assert demo.show_run(sentry, "threaded") == 1
    errors = capsys.readouterr().err
    for failure in demo.FAILURES:
        assert f"Did not arrive: {failure.error}, {failure.story}." in errors
    assert "403" in errors


def test_what_arrived_is_shown_although_something_else_did_not(
    sentry: LocalSentry, capsys: pytest.CaptureFixture[str]
) -> None:
    sentry.answer(Answer(status=403))
    assert demo.show_run(sentry, "urllib") == 1
    output = capsys.readouterr()
    assert titles(output.out) == TITLES[1:]
    assert output.err.count("Did not arrive: ") == output.err.count("Not taken: ") == 1


def test_a_program_that_does_not_end_is_stopped_and_the_status_is_1(
    sentry: LocalSentry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.show_run(sentry, as_json=True, time_limit=0.001) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "The program did not end in time." in output.err


def test_an_unknown_transport_is_a_mistake_of_the_call(asyncsentry: Command) -> None:
    done = asyncsentry("demo", "--transport", "treaded")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "threaded" in done.stderr


@pytest.mark.parametrize("transport", PLAIN)
def test_with_a_dsn_it_tells_that_server_and_prints_the_ids(
    asyncsentry: Command, sentry: LocalSentry, transport: str
) -> None:
    done = asyncsentry("demo", "--dsn", sentry.dsn, "--transport", transport)
    assert done.stderr == ""
    assert done.returncode == 0
    for event in sentry.wait_for_events(3):
        assert event["event_id"] in done.stdout
    assert "All three were delivered." in done.stdout


def test_a_dsn_may_name_the_transport(asyncsentry: Command, sentry: LocalSentry) -> None:
    done = asyncsentry("demo", "--dsn", sentry.dsn_for("urllib"))
    assert done.returncode == 0
    assert "transport urllib" in done.stdout


def test_a_server_that_refuses_is_no_success(asyncsentry: Command, sentry: LocalSentry) -> None:
    sentry.always(Answer(status=403))
    done = asyncsentry("demo", "--dsn", sentry.dsn)
    assert done.returncode == 1
    assert "Not everything was delivered." in done.stderr


def test_a_secret_key_is_not_printed(asyncsentry: Command, sentry: LocalSentry) -> None:
    done = asyncsentry("demo", "--dsn", sentry.dsn.replace("@", ":secretkey@"))
    assert done.returncode == 0
    assert "secretkey" not in done.stdout + done.stderr


def test_a_dsn_that_cannot_be_understood_is_a_mistake_of_the_call(asyncsentry: Command) -> None:
    done = asyncsentry("demo", "--dsn", "sentry.example.org")
    assert done.returncode == 2
    assert "a DSN looks like" in done.stderr
