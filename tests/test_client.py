"""A client from its set-up to its end: with a DSN, without one, closed, forked, beside others."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncsentry.client import LONGEST_WAIT, Client
from asyncsentry.delivery.ledger import Account
from asyncsentry.delivery.losses import Counts, Reason
from asyncsentry.delivery.spool.crashes import Crash
from asyncsentry.errors import OptionError, SendError, SetupError
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.testing import Answer, Hang, LocalSentry, Reset
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.urllib import UrllibTransport
from conftest import OpenClient

MECHANISM = Mechanism("test", handled=False)


@pytest.fixture
def unreachable() -> Iterator[str]:
    """The DSN of a server that refuses connections: its port is taken, and nobody listens there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"urllib+http://{'a' * 32}@127.0.0.1:{taken.getsockname()[1]}/1"


def run(program: str, folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8")
    return subprocess.run(
        [sys.executable, *arguments, str(path)],
        env={**os.environ, **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )


# Set-up


@pytest.mark.parametrize("dsn", [None, "", "  "])
def test_a_client_without_a_dsn_is_inactive(dsn: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENTRY_DSN", raising=False)
    client: Client[Any] = Client(dsn)
    assert not client.active
    assert client.transport is None
    assert client.losses == {}


def test_a_mistake_is_an_error_at_set_up(sentry: LocalSentry) -> None:
    with pytest.raises(OptionError):
        Client(sentry.dsn, sample_rate=2)
    with pytest.raises(SetupError):
        Client(sentry.dsn, transport="thread")
    with pytest.raises(SetupError):
        Client("not a dsn")


@pytest.mark.parametrize("ready_made", [False, True], ids=["a class", "an instance"])
def test_a_transport_may_be_handed_in(ready_made: bool, sentry: LocalSentry) -> None:
    made = UrllibTransport(Settings(sentry.url))
    client: Client[bool] = Client(sentry.dsn, transport=made if ready_made else UrllibTransport)
    assert isinstance(client.transport, UrllibTransport)
    assert (client.transport is made) is ready_made
    assert client.capture_message("text")
    assert len(sentry.events) == 1
    client.close()


def test_setting_up_says_where_events_go_but_not_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "asyncsentry"):
        client: Client[Any] = Client("threaded+http://public:hidden@127.0.0.1:9/1")
    assert "the transport threaded" in caplog.text
    assert "hidden" not in caplog.text
    client.close(0)


# Its life


def test_a_client_delivers_and_knows_its_last_event(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    assert client.last_event_id() is None
    event_id = client.capture_message("text")
    assert client.last_event_id() == event_id == sentry.events[0]["event_id"]
    with client.isolation_scope():
        assert client.last_event_id() is None
        other = client.capture_exception(KeyError())
        assert client.last_event_id() == other
    assert client.last_event_id() == event_id


def test_two_clients_share_nothing(open_client: OpenClient, sentry: LocalSentry) -> None:
    one, other = open_client(), open_client(sample_rate=0.0)
    one.set_tag("one", 1)
    one.add_breadcrumb(message="one")
    one.get_global_scope().set_tag("global", 1)
    other.capture_message("text")
    assert other.losses == Counts({("sample_rate", "error"): 1})
    assert one.losses == {}
    assert other.get_isolation_scope().tags == other.get_global_scope().tags == {}
    assert not other.get_isolation_scope().breadcrumbs


def test_hooks_may_report_under_the_global_scope_alone(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    client.get_global_scope().set_tag("global", 1)
    client.set_tag("here", 1)
    client.report(KeyError(), MECHANISM, scope=client.global_only())
    client.report(KeyError(), MECHANISM, scope=client.known_to_task_of(KeyError()))
    assert [event["tags"] for event in sentry.events] == [{"global": "1"}, {"global": "1", "here": "1"}]


def test_attachments_travel_with_their_events(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    client.add_attachment(b"\x00\n", filename="of the work", content_type="text/plain")
    with client.new_scope() as scope:
        scope.add_attachment(b"", filename="of the block")
        client.capture_message("text")
    client.capture_message("the next")
    first, second = sentry.envelopes
    assert [(item.headers.get("filename"), item.payload) for item in first.items[1:]] == [
        ("of the work", b"\x00\n"),
        ("of the block", b""),
    ]
    assert first.items[1].headers["content_type"] == "text/plain"
    assert len(second.items) == 2


def test_the_current_scope_is_that_of_the_block_or_else_that_of_the_work(open_client: OpenClient) -> None:
    client = open_client("")
    assert client.get_current_scope() is client.get_isolation_scope()
    with client.new_scope() as scope:
        assert client.get_current_scope() is scope


@pytest.mark.parametrize("nonsense", [None, 5, "text", [1], object(), b"x", KeyError])
def test_no_method_raises_for_nonsense(nonsense: Any, open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    client.capture_exception(nonsense, scope=nonsense, tags=nonsense, level=nonsense, user=nonsense)
    client.capture_message(nonsense, nonsense, extras=nonsense, contexts=nonsense, fingerprint=nonsense)
    client.capture_event(nonsense, nonsense, scope=nonsense)
    client.report(nonsense, MECHANISM, event=nonsense, hint=nonsense)
    client.report_message(nonsense, nonsense, level=nonsense, hint=nonsense)
    client.set_tag(nonsense, nonsense)
    client.set_tags(nonsense)
    client.set_extra(nonsense, nonsense)
    client.set_context(nonsense, nonsense)
    client.set_user(nonsense)
    client.set_level(nonsense)
    client.set_fingerprint(nonsense)
    client.set_transaction_name(nonsense)
    client.add_attachment(nonsense, filename=nonsense, content_type=nonsense)
    client.add_breadcrumb(nonsense, nonsense)
    assert client.flush(nonsense)
    arrived = len(sentry.events)
    assert client.capture_message("the next one")
    assert len(sentry.events) == arrived + 1


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 10**12, "5", None])
def test_any_time_out_will_do(timeout: Any, open_client: OpenClient) -> None:
    assert open_client().flush(timeout)


def test_a_long_time_out_is_cut(open_client: OpenClient) -> None:
    client = open_client(shutdown_timeout=1.5)
    assert client._seconds(float("inf")) == LONGEST_WAIT
    assert [client._seconds(given) for given in (None, -1, 3)] == [1.5, 1.5, 3.0]


# Its end


def test_a_closed_client_captures_nothing_and_can_still_be_asked(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(sample_rate=0.0)
    client.capture_message("sampled out")
    client.close()
    client.close()
    assert not client.active
    assert client.capture_message("too late") is client.capture_exception(KeyError()) is None
    assert client.report(KeyError(), MECHANISM) is client.report_message("text", level="error") is None
    assert client.losses == Counts({("sample_rate", "error"): 1})
    assert client.flush() is True
    assert client.wait() is True
    assert sentry.events == ()


def test_closing_delivers_what_is_left(sentry: LocalSentry) -> None:
    client: Client[Any] = Client(sentry.dsn_for("threaded"))
    for number in range(20):
        client.capture_message(str(number))
    client.close(10)
    assert len(sentry.events) == 20


def test_all_that_was_captured_is_accounted_for(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(before_send=lambda event, hint: None if event["level"] == "debug" else event)
    assert client.stats() == {}
    sentry.answer(Answer(200), Answer(413), Answer(200, headers={"X-Sentry-Rate-Limits": "60:error:key"}))
    for level in ("info", "debug", "info", "info", "info"):
        client.capture_message("text", level)
    lost: dict[Reason, int] = {"before_send": 1, "send_error": 1, "ratelimit_backoff": 1}
    assert client.stats() == {"error": Account(captured=5, delivered=2, lost=lost)}
    client.close()
    assert client.stats()["error"].captured == 5


def test_a_crash_that_is_found_when_the_client_is_closed_is_left_to_the_next_start(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    client = open_client()
    client.close()
    assert not client._report_crash(Crash("Fatal Python error: Segmentation fault", 0.0, "origin"))
    assert client.stats() == {}
    assert sentry.events == ()


def test_a_client_that_delivers_nothing_has_no_accounts() -> None:
    assert Client("").stats() == {}


def test_closing_counts_what_cannot_be_delivered(unreachable: str) -> None:
    client: Client[Any] = Client(unreachable)
    client.capture_message("text")
    client.close(0.2)
    assert client.losses == Counts({("network_error", "error"): 1})


def test_what_a_client_captured_arrives_at_the_end_of_the_program(sentry: LocalSentry, tmp_path: Path) -> None:
    program = (
        "import os; from asyncsentry import Client\n"
        "client = Client(os.environ['DSN'])\n"
        "client.capture_message('the last')"
    )
    for transport in ("threaded", "asyncio", "auto", "urllib"):
        done = run(program, tmp_path, "-W", "error", "-X", "dev", DSN=sentry.dsn_for(transport))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [event["logentry"]["formatted"] for event in sentry.events] == ["the last"] * 4


def test_the_end_of_a_program_says_what_could_not_be_delivered(unreachable: str, tmp_path: Path) -> None:
    program = (
        "import os; from asyncsentry import Client\n"
        "client = Client(os.environ['DSN'], shutdown_timeout=0.2)\n"
        "client.capture_message('in vain')"
    )
    done = run(program, tmp_path, DSN=unreachable)
    assert done.returncode == 0
    assert done.stderr == "1 event(s) could not be delivered before the program ended\n"


def test_a_client_that_was_closed_has_no_part_in_the_end_of_the_program(sentry: LocalSentry) -> None:
    client: Client[Any] = Client(sentry.dsn_for("threaded"))
    client.close()
    client.at_exit()
    client.before_fork()
    client.after_fork()
    assert not client.active


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks on this system")
def test_a_forked_child_starts_afresh(sentry: LocalSentry, tmp_path: Path) -> None:
    program = (
        "import os; from asyncsentry import Client\n"
        "client = Client(os.environ['DSN'])\n"
        "client.set_tag('before', 'the fork')\n"
        "client.capture_message('parent')\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    client.capture_message('child')\n"
        "    client.flush(10)\n"
        "    os._exit(len(client.losses))\n"
        "assert os.waitpid(child, 0)[1] == 0"
    )
    done = run(program, tmp_path, "-W", "ignore::DeprecationWarning", DSN=sentry.dsn_for("threaded"))
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(event["logentry"]["formatted"] for event in sentry.events) == ["child", "parent"]
    assert [event["tags"] for event in sentry.events] == [{"before": "the fork"}] * 2


# raise_send_errors


def test_a_flush_raises_what_could_not_be_delivered_if_that_was_asked_for(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    client = open_client(raise_send_errors=True)
    assert client.capture_message("text")
    assert client.flush()
    sentry.answer(Answer(400, {"X-Sentry-Error": "a bad event"}))
    assert client.capture_message("refused"), "a capture never raises"
    with pytest.raises(SendError, match="status 400: a bad event"):
        client.flush()
    assert client.flush(), "it was said"


def test_a_loss_is_raised_although_something_else_arrived_later(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(raise_send_errors=True)
    sentry.answer(Answer(400))
    client.capture_message("refused")
    client.capture_message("arrives")
    with pytest.raises(SendError, match="status 400"):
        client.flush()


def test_what_was_lost_before_it_was_sent_is_raised_too(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(raise_send_errors=True)
    sentry.answer(Answer(200, {"X-Sentry-Rate-Limits": "60:error:key"}))
    client.capture_message("arrives")
    client.capture_message("limited")
    with pytest.raises(SendError, match="not everything could be delivered"):
        client.flush()


def test_what_the_application_dropped_itself_is_no_send_error(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(raise_send_errors=True, sample_rate=0.0)
    client.capture_message("sampled out")
    assert client.flush()


def test_what_arrived_at_the_second_try_is_no_send_error(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(sentry.dsn_for("threaded"), raise_send_errors=True)
    sentry.answer(Reset("request"))
    client.capture_message("text")
    assert client.flush(20)
    assert len(sentry.events) == 1


def test_a_flush_that_is_too_short_raises_too(open_client: OpenClient, sentry: LocalSentry) -> None:
    sentry.always(Hang())
    client = open_client(sentry.dsn_for("threaded", timeout=20), raise_send_errors=True)
    client.capture_message("text")
    with pytest.raises(SendError, match="in time"):
        client.flush(0.1)
    client.close(0.0)


def test_without_asking_nothing_is_raised(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    sentry.answer(Answer(500), Answer(400))
    client.capture_message("refused")
    client.flush()


# debug


@pytest.mark.parametrize("times", [1, 2])
def test_debugging_prints_what_the_sdk_does(times: int, sentry: LocalSentry, tmp_path: Path) -> None:
    program = (
        "import os; from asyncsentry import Client\n"
        "clients = [Client(os.environ['DSN'], debug=True) for _ in range(int(os.environ['TIMES']))]\n"
        "clients[0].capture_message('text')"
    )
    done = run(program, tmp_path, DSN=sentry.dsn_for("threaded"), TIMES=str(times))
    assert done.stderr.count("asyncsentry DEBUG: delivering to ") == times
    assert "a" * 32 not in done.stderr.replace("a" * 32 + "@", "")
