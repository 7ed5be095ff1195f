"""Secrets are in nothing that is printed, logged, shown or raised; and nothing listens that nobody asked to."""

from __future__ import annotations

import pytest

from asyncsentry.testing import Answer, LocalSentry
from discretion.running import PASSWORD, SECRET, command, run_discreetly, told
from discretion.sockets import listening
from extras.serving import free_port


@pytest.mark.parametrize("transport", ["asyncio", "threaded", "urllib"])
def test_a_program_that_says_all_it_can_tells_no_secret_and_does_not_listen(
    sentry: LocalSentry, transport: str
) -> None:
    output = run_discreetly(sentry, transport)
    assert told(output) == []
    assert output.count("listens []") == output.count("listens ") == 8
    assert output.count("DsnError") + output.count("OptionError") + output.count("TransportError") >= 13
    assert "no answer" in output
    assert "X-Sentry-Auth" not in output


def test_a_server_for_tests_listens_on_loopback_alone(sentry: LocalSentry) -> None:
    assert [address.partition(":")[0] for address in listening()] == ["0100007F"]


def test_no_command_prints_a_secret(sentry: LocalSentry) -> None:
    good = f"http://public:{SECRET}@127.0.0.1:{sentry.port}/1"
    nobody = f"http://public:{SECRET}@127.0.0.1:{free_port()}/1"
    proxy = f"http://ada:{PASSWORD}@127.0.0.1:{sentry.port}"
    printed = [
        command("test", good),
        command("test", nobody),
        command("test", f"http://public:{SECRET}@sentry.invalid/1?http_proxy={proxy}"),
        command("test", f"https://public:{SECRET}@sentry.invalid/1", https_proxy=proxy),
        command("test", f"https://public:{SECRET}@host"),
        command("test", good, good),
        command("test", f"nobody+{good}"),
        command(good),
        command("doctor", good),
        command("demo", "--transport", good),
        command("demo", good),
        command("spool", "list", good),
        command("transports", SENTRY_TRANSPORT=good),
    ]
    assert [told(output) for output in printed if told(output)] == []


def test_the_demo_prints_no_secret_of_the_server_that_it_is_sent_to(sentry: LocalSentry) -> None:
    sentry.always(Answer(status=403, body=b'{"detail": "no"}'))
    output = command("demo", "--dsn", f"http://public:{SECRET}@127.0.0.1:{sentry.port}/1", SENTRY_DEBUG="1")
    assert "Not everything was delivered" in output
    assert told(output) == []


@pytest.mark.parametrize("how", ["header", "body"])
def test_what_a_server_says_is_one_line_that_no_terminal_obeys(sentry: LocalSentry, how: str) -> None:
    said = "\x1b[2J\x1b]0;owned\x07 so \x9b1m it is"
    by_header = Answer(status=400, headers={"X-Sentry-Error": said})
    sentry.always(by_header if how == "header" else Answer(status=400, body=b'{"detail": "a\\nb \\u001b[2J so it is"}'))
    output = command("test", sentry.dsn)
    assert output.splitlines()[-1].startswith("The server refused it: 400 Bad Request, “")
    assert output.endswith("it is”.\n")
    assert [letter for letter in output.replace("\n", "") if not letter.isprintable()] == []
