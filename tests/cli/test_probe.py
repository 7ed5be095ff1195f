"""``asyncsentry test``: does this server take what we send, and if not, why?"""

from __future__ import annotations

import socket

import pytest

from asyncsentry.testing import Answer, Hang, LocalSentry
from cli.conftest import Command


@pytest.mark.parametrize("transport", ["auto", "asyncio", "threaded", "urllib"])
def test_a_server_that_takes_the_message_is_a_success(
    asyncsentry: Command, sentry: LocalSentry, transport: str
) -> None:
    done = asyncsentry("test", sentry.dsn_for(transport))
    (event,) = sentry.events
    assert done.returncode == 0
    assert "The server took it: 200 OK" in done.stdout
    assert event["event_id"] in done.stdout
    assert f"by the transport {transport}" in done.stdout


def test_a_refusal_is_given_with_its_status_and_reason(asyncsentry: Command, sentry: LocalSentry) -> None:
    sentry.always(Answer(status=403, body=b'{"detail":"event submission rejected with_reason: ProjectId"}'))
    done = asyncsentry("test", sentry.dsn)
    assert done.returncode == 1
    assert "403 Forbidden" in done.stderr
    assert "ProjectId" in done.stderr
    assert "Do the public key and the project belong together?" in done.stderr


def test_a_refusal_may_give_no_reason(asyncsentry: Command, sentry: LocalSentry) -> None:
    sentry.always(Answer(status=599, body=b"<html>"))
    done = asyncsentry("test", sentry.dsn)
    assert done.returncode == 1
    assert done.stderr == "The server refused it: 599.\n"


def test_nothing_is_sent_twice(asyncsentry: Command, sentry: LocalSentry) -> None:
    sentry.always(Answer(status=500))
    assert asyncsentry("test", sentry.dsn).returncode == 1
    assert len(sentry.requests) == 1


@pytest.mark.parametrize("transport", ["asyncio", "threaded", "urllib"])
def test_a_server_that_never_answers_is_no_success(asyncsentry: Command, sentry: LocalSentry, transport: str) -> None:
    sentry.always(Hang())
    done = asyncsentry("test", sentry.dsn_for(transport, timeout=0.2))
    assert done.returncode == 1
    assert "No answer: " in done.stderr


def test_where_nobody_listens_the_error_is_shown(asyncsentry: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = asyncsentry("test", f"http://key@127.0.0.1:{port}/1")
    assert done.returncode == 1
    assert done.stderr.startswith("No answer: ConnectionRefusedError")


def test_a_secret_key_is_not_printed(asyncsentry: Command, sentry: LocalSentry) -> None:
    done = asyncsentry("test", sentry.dsn.replace("@", ":secretkey@"))
    assert done.returncode == 0
    assert "secretkey" not in done.stdout + done.stderr


@pytest.mark.parametrize("dsn", ["", "sentry.example.org", "nope+https://key@sentry.example.org/1"])
def test_a_dsn_that_cannot_work_is_a_mistake_of_the_call(asyncsentry: Command, dsn: str) -> None:
    done = asyncsentry("test", dsn)
    assert done.returncode == 2
    assert done.stderr.startswith("asyncsentry: ")
