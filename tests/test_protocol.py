"""The protocol's tricky points, through the public client against a server that is as strict as Sentry's.

Sources: https://develop.sentry.dev/sdk/foundations/ (envelopes, rate limiting, client reports, data scrubbing …) and
https://develop.sentry.dev/sdk/foundations/transport/event-payloads/; exception groups are those of Sentry's RFC 79.
The numbers are those that our tests have given the points. Without a test here are, until there is what they are about:

- T08, T09, T10, T12: structured logs, which this SDK does not send yet. T11: the levels of log records, which the
  logging hook's own tests hold.
- T21, T40 to T48: transactions, spans and the propagation of traces.
- T35, T36, T37: sessions. T39: cron monitors. T51: Spotlight. T52: the instrumentation of HTTP clients.

Of T16, T17, T18 and T22 the parts about transactions and sessions are in the delivery's own tests, as nothing captures
these yet.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import re
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest

import asyncsentry
from asyncsentry import hooks
from asyncsentry.client import Client
from asyncsentry.delivery.losses import Counts
from asyncsentry.events.scrubbing import scrub_headers, scrub_query, scrub_url
from asyncsentry.testing import Answer, Hang, Item, LocalSentry, Reset
from conftest import OpenClient
from events.raising import BaseExceptionGroup, ExceptionGroup, Shop, caught

KEY = "a" * 32
HEX_ID = re.compile("[0-9a-f]{32}")


def last(sentry: LocalSentry) -> dict[str, Any]:
    return sentry.events[-1]


def exceptions(sentry: LocalSentry) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = last(sentry)["exception"]["values"]
    return found


def port_of(sentry: LocalSentry) -> str:
    return sentry.url.split("/")[2].rpartition(":")[2]


def raw_items(body: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
    """An envelope's items, told apart by nothing but their lengths."""
    position = body.index(b"\n") + 1
    while position < len(body):
        end = body.index(b"\n", position)
        headers = json.loads(body[position:end])
        payload = body[end + 1 : end + 1 + headers["length"]]
        position = end + 1 + headers["length"]
        assert body[position : position + 1] == b"\n"
        position += 1
        yield headers, payload


def run(program: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(path)],
        env={**os.environ, **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=40,
        check=False,
    )


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError


# Framing and JSON


def test_t01_lengths_are_in_bytes(open_client: OpenClient, sentry: LocalSentry) -> None:
    open_client().capture_message("é")
    ((headers, payload),) = raw_items(sentry.requests[0].body)
    assert "é".encode() in payload
    assert headers["length"] == len(payload) > len(payload.decode())


def test_t02_attachments_arrive_as_they_were(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    client.add_attachment(b"\x00\n\r\n\xff", filename="odd")
    client.add_attachment(b"", filename="empty")
    client.capture_message("text")
    _, odd, empty = raw_items(sentry.requests[0].body)
    assert (odd[0]["length"], odd[1]) == (5, b"\x00\n\r\n\xff")
    assert (empty[0]["length"], empty[1]) == (0, b"")


def test_t03_lines_end_once_and_with_a_newline_alone(open_client: OpenClient, sentry: LocalSentry) -> None:
    open_client().capture_message("text")
    body = sentry.requests[0].body
    assert b"\r" not in body
    assert not body.endswith(b"\n\n")


def test_t04_what_json_cannot_hold_costs_no_event(open_client: OpenClient, sentry: LocalSentry) -> None:
    extra = {"a": math.nan, "b": math.inf, "c": Decimal("1e400"), "d": "\ud800"}
    assert open_client().capture_message("text", extras=extra)
    ((_, payload),) = raw_items(sentry.requests[0].body)

    def refuse(token: str) -> NoReturn:
        raise AssertionError(token)

    event = json.loads(payload.decode("utf-8"), parse_constant=refuse)
    assert event["extra"] == {"a": "nan", "b": "inf", "c": "1E+400", "d": "?"}


def test_t05_what_before_send_adds_becomes_plain(open_client: OpenClient, sentry: LocalSentry) -> None:
    def before_send(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        circle: list[Any] = []
        circle.append(circle)
        event["extra"] = {
            "bytes": b"\xff",
            "set": {1},
            "date": date(2024, 1, 2),
            "circle": circle,
            "hostile": Hostile(),
            "nan": math.nan,
            3: "three",
        }
        return event

    assert open_client(before_send=before_send).capture_message("text")
    extra = last(sentry)["extra"]
    assert (extra["set"], extra["date"], extra["3"]) == ([1], "2024-01-02", "three")
    assert extra["hostile"] == f"<{__name__}.Hostile>"
    assert "circular" in str(extra["circle"])


def test_t06_each_send_says_when_it_was_sent(open_client: OpenClient, sentry: LocalSentry) -> None:
    sentry.answer(Reset("request"))
    client = open_client(sentry.dsn_for("threaded"))
    client.capture_message("text")
    assert client.flush(20)
    first, second = sentry.requests
    times = [json.loads(request.body.partition(b"\n")[0])["sent_at"] for request in (first, second)]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", each) for each in times)
    assert times[0] < times[1]
    assert first.body.count(b'"sent_at"') == second.body.count(b'"sent_at"') == 1


DASHED = "0123ABCD-0123-4123-8123-0123456789AB"


@pytest.mark.parametrize(
    ("before_send", "expected"),
    [
        (None, None),
        (lambda event, hint: {"message": "replaced"}, None),
        (lambda event, hint: event.pop("event_id") and event, None),
        (lambda event, hint: {**event, "event_id": "nonsense"}, None),
        (lambda event, hint: {**event, "event_id": DASHED}, DASHED.replace("-", "").lower()),
    ],
)
def test_t07_an_event_has_one_id(
    before_send: Callable[..., Any] | None, expected: str | None, open_client: OpenClient, sentry: LocalSentry
) -> None:
    client = open_client(before_send=before_send)
    captures: list[Callable[[], str | None]] = [
        lambda: client.capture_message("text"),
        lambda: client.capture_exception(KeyError()),
        lambda: client.capture_event({"message": "text", "event_id": DASHED}),
    ]
    for capture in captures:
        event_id = capture()
        assert event_id is not None
        assert HEX_ID.fullmatch(event_id)
        assert event_id == (expected or event_id)
        assert event_id == last(sentry)["event_id"] == sentry.envelopes[-1].headers["event_id"]


# DSN, authentication, transport


def test_t13_an_envelope_goes_where_the_dsn_says(open_client: OpenClient, sentry: LocalSentry) -> None:
    open_client(f"urllib+http://{KEY}@127.0.0.1:{port_of(sentry)}/p/q/42").capture_message("text")
    request = sentry.requests[0]
    assert (request.method, request.path) == ("POST", "/p/q/api/42/envelope/")


@pytest.mark.parametrize("secret", ["", "s3cr"])
def test_t13_a_client_says_who_it_is_once(secret: str, open_client: OpenClient, sentry: LocalSentry) -> None:
    key = f"{KEY}:{secret}" if secret else KEY
    open_client(f"urllib+http://{key}@127.0.0.1:{port_of(sentry)}/1?timeout=3").capture_message("text")
    request = sentry.requests[0]
    auth = request.headers["x-sentry-auth"]
    assert f"sentry_key={KEY}" in auth
    assert (f"sentry_secret={secret}" in auth) if secret else ("secret" not in auth)
    assert "sentry_timestamp" not in auth
    assert request.path == "/api/1/envelope/"
    assert "authorization" not in request.headers
    assert b'"dsn"' not in request.body


@pytest.mark.parametrize(
    ("host", "organization"),
    [
        ("o123.ingest.us.sentry.io", "123"),
        ("o123.ingest.sentry.io", "123"),
        ("o123.example.com", None),
        ("oabc.ingest.sentry.io", None),
        ("xo1.ingest.sentry.io", None),
    ],
)
def test_t14_a_host_of_sentry_names_its_organization(host: str, organization: str | None) -> None:
    client: Client[Any] = Client(f"urllib+https://{KEY}@{host}/1")
    assert client.options.dsn is not None
    assert client.options.dsn.organization_id == organization
    client.close(0)


def test_t15_the_body_is_compressed_as_it_says(open_client: OpenClient, sentry: LocalSentry) -> None:
    open_client().capture_message("text")
    request = sentry.requests[0]
    assert request.headers["content-encoding"] == "gzip"
    assert zlib.decompress(request.raw_body, 16 + zlib.MAX_WBITS) == request.body


def limited_after(sentry: LocalSentry, open_client: OpenClient, *answers: Answer) -> bool:
    """Whether errors are held back once the server has answered so."""
    sentry.answer(*answers)
    client = open_client()
    for number in range(len(answers)):
        assert client.capture_message(str(number)), "not yet"
    arrived = len(sentry.requests)
    event_id = client.capture_message("the one that is asked about")
    held_back = len(sentry.requests) == arrived
    assert held_back == (event_id is None)
    assert client.losses[("ratelimit_backoff", "error")] == held_back
    return held_back


def limits(header: str, status: int = 200, **more: str) -> Answer:
    return Answer(status, {"X-Sentry-Rate-Limits": header, **more})


@pytest.mark.parametrize(
    ("header", "held_back"),
    [
        ("60:error:key, 2.5:transaction;bogus:organization:r:x:y", True),
        ("2.5:transaction;error;bogus:organization:r:x:y", True),
        ("60:transaction;session:key", False),
    ],
)
def test_t16_a_limit_holds_for_its_categories(
    header: str, held_back: bool, open_client: OpenClient, sentry: LocalSentry
) -> None:
    assert limited_after(sentry, open_client, limits(header)) is held_back


@pytest.mark.parametrize(
    ("header", "held_back"),
    [
        ("60::organization", True),
        ("60:bogus:key", False),
        (":error:", False),
        ("abc", False),
        ("", False),
        (":error:, abc, , 60:error:key", True),
    ],
)
def test_t17_what_cannot_be_read_of_a_limit_limits_nothing(
    header: str, held_back: bool, open_client: OpenClient, sentry: LocalSentry
) -> None:
    assert limited_after(sentry, open_client, limits(header)) is held_back


def test_t17_a_limit_on_everything_holds_for_client_reports(open_client: OpenClient, sentry: LocalSentry) -> None:
    sentry.answer(limits("60::organization"))
    client = open_client()
    client.capture_message("text")
    client.capture_message("held back")
    assert client.flush(), "there is nothing to be done now"
    assert len(sentry.requests) == 1


def test_t18_a_later_limit_makes_none_shorter(open_client: OpenClient, sentry: LocalSentry) -> None:
    sentry.answer(limits("100:error:key"), limits("0:error:key"))
    client = open_client()
    client.capture_message("text")
    client.capture_message("held back")
    assert client.flush()
    assert len(sentry.requests) == 2, "the second is the report of what was held back"
    assert client.capture_message("held back, too") is None


def http_date(**later: float) -> str:
    return format_datetime(datetime.now(timezone.utc) + timedelta(**later), usegmt=True)


@pytest.mark.parametrize(
    ("answer", "held_back"),
    [
        (Answer(429), True),
        (Answer(429, {"Retry-After": "3"}), True),
        (Answer(429, {"Retry-After": "0"}), False),
        (Answer(429, {"Retry-After": http_date(hours=1)}), True),
        (Answer(429, {"Retry-After": http_date(hours=-1)}), False),
        (Answer(429, {"Retry-After": "soon"}), True),
        (limits("60:transaction:key", 429, **{"Retry-After": "60"}), False),
        (limits("60:error:key", 429, **{"Retry-After": "0"}), True),
    ],
)
def test_t19_too_many_requests_are_followed_by_fewer(
    answer: Answer, held_back: bool, open_client: OpenClient, sentry: LocalSentry
) -> None:
    assert limited_after(sentry, open_client, answer) is held_back


def test_t20_what_the_server_had_too_many_of_is_neither_counted_nor_sent_again(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    sentry.answer(Answer(429, {"Retry-After": "0"}))
    client = open_client()
    client.capture_message("text")
    assert client.flush()
    assert client.losses == {}
    assert len(sentry.requests) == 1


@pytest.mark.parametrize("status", [400, 413, 500])
def test_t20_what_the_server_refuses_is_counted_once_and_not_sent_again(
    status: int, open_client: OpenClient, sentry: LocalSentry, caplog: pytest.LogCaptureFixture
) -> None:
    sentry.answer(Answer(status))
    client = open_client()
    client.capture_message("text")
    assert client.flush()
    assert client.losses == Counts({("send_error", "error"): 1})
    assert [row["reason"] for report in sentry.client_reports for row in report["discarded_events"]] == ["send_error"]
    assert sentry.events == ()
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == (status == 413)


def test_t20_what_reaches_no_server_is_counted_in_the_end() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client: Client[Any] = Client(f"threaded+http://{KEY}@127.0.0.1:{taken.getsockname()[1]}/1")
        client.capture_message("text")
        assert not client.flush(0.3)
        client.close(0.3)
    assert client.losses == Counts({("network_error", "error"): 1})


def test_t22_an_event_goes_without_its_attachments_while_these_are_limited(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    sentry.answer(limits("60:attachment:key"))
    client = open_client()
    client.capture_message("text")
    client.add_attachment(b"12345", filename="a")
    client.capture_message("without")
    items: tuple[Item, ...] = sentry.envelopes[-1].items
    assert [item.type for item in items if item.type != "client_report"] == ["event"]
    assert client.losses == Counts({("ratelimit_backoff", "attachment"): 5})


def test_t22_attachments_are_counted_with_their_event(open_client: OpenClient, sentry: LocalSentry) -> None:
    sentry.answer(Answer(400))
    client = open_client()
    client.add_attachment(b"12345", filename="a")
    client.capture_message("refused")
    assert client.losses == Counts({("send_error", "error"): 1, ("send_error", "attachment"): 5})


def test_t23_limits_reports_and_queues_are_each_clients_own(open_client: OpenClient, sentry: LocalSentry) -> None:
    with LocalSentry(project="2") as another:
        sentry.answer(limits("60::key"))
        one, other = open_client(), open_client(another.dsn_for("urllib"))
        assert one.capture_message("a")
        assert one.capture_message("limited") is None
        assert other.capture_message("b")
        assert other.capture_message("c")
        assert other.flush()
        assert other.losses == {}
        assert another.client_reports == ()
        assert [len(server.events) for server in (sentry, another)] == [1, 2]
        other.close()


def test_t24_a_flush_ends_in_time_while_the_server_hangs(open_client: OpenClient, sentry: LocalSentry) -> None:
    sentry.always(Hang())
    client = open_client(sentry.dsn_for("threaded", timeout=30))
    client.capture_message("text")
    began = time.monotonic()
    assert not client.flush(2)
    assert 1.5 < time.monotonic() - began < 10
    client.close(0)


def test_t24_a_program_ends_in_time_while_the_server_hangs(sentry: LocalSentry, tmp_path: Path) -> None:
    sentry.always(Hang())
    program = (
        "import os, asyncsentry\n"
        "asyncsentry.init(os.environ['DSN'], shutdown_timeout=0.5)\n"
        "asyncsentry.capture_message('in vain')"
    )
    began = time.monotonic()
    done = run(program, tmp_path, DSN=sentry.dsn_for("threaded", timeout=30))
    assert done.returncode == 0
    assert time.monotonic() - began < 15


FORKING = """
import os, time, asyncsentry
asyncsentry.init(os.environ["DSN"])
asyncsentry.capture_message("of the parent")
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
else:
    asyncsentry.capture_message("of the child")
asyncsentry.flush(10)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks on this system")
def test_t24_a_forked_child_sends_its_own_events_alone(sentry: LocalSentry, tmp_path: Path) -> None:
    sentry.answer(Answer(delay=0.3))
    done = run(FORKING, tmp_path, DSN=sentry.dsn_for("threaded"), PYTHONWARNINGS="ignore::DeprecationWarning")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(event["logentry"]["formatted"] for event in sentry.events) == ["of the child", "of the parent"]


@pytest.mark.parametrize("status", [301, 307])
@pytest.mark.parametrize("transport", ["urllib", "asyncio"])
def test_t25_a_redirect_is_not_followed(status: int, transport: str, open_client: OpenClient) -> None:
    with LocalSentry() as sentry, LocalSentry() as elsewhere:
        sentry.answer(Answer(status, {"Location": elsewhere.url}))
        client = open_client(sentry.dsn_for(transport))

        async def main() -> None:
            client.capture_message("text")
            assert await client.flush_async(10)

        asyncio.run(main())
        assert elsewhere.connections == 0
        assert client.losses == Counts({("send_error", "error"): 1})
        client.close()


# Events


class First(Exception):
    pass


class Second(Exception):
    pass


class Third(Exception):
    pass


def chain() -> None:
    try:
        try:
            raise First
        except First as first:
            raise Second from first
    except Second as second:
        raise Third from second


def test_t26_a_chain_is_numbered_from_what_was_raised(open_client: OpenClient, sentry: LocalSentry) -> None:
    open_client().capture_exception(caught(chain))
    values = exceptions(sentry)
    mechanisms = [value["mechanism"] for value in values]
    assert [value["type"] for value in values] == ["First", "Second", "Third"]
    assert [mechanism["exception_id"] for mechanism in mechanisms] == [2, 1, 0]
    assert [mechanism.get("parent_id") for mechanism in mechanisms] == [1, 0, None]
    assert [mechanism.get("source") for mechanism in mechanisms] == ["__cause__", "__cause__", None]
    assert [mechanism["type"] for mechanism in mechanisms] == ["chained", "chained", "generic"]
    assert [mechanism.get("handled") for mechanism in mechanisms] == [None, None, True]


def group() -> None:
    """The example of RFC 79."""
    try:
        raise RuntimeError("something")
    except RuntimeError:
        imports = ExceptionGroup("imports", [ImportError("no_such_module"), ModuleNotFoundError("another_module")])
        raise ExceptionGroup("nested", [ValueError(654), imports, TypeError("int")])  # noqa: B904 - a context


def test_t27_a_group_is_a_tree(open_client: OpenClient, sentry: LocalSentry) -> None:
    open_client().capture_exception(caught(group))
    values = exceptions(sentry)
    shown = [
        (value["type"], value["mechanism"]["exception_id"], value["mechanism"].get("parent_id")) for value in values
    ]
    assert shown == [
        ("TypeError", 6, 0),
        ("ModuleNotFoundError", 5, 3),
        ("ImportError", 4, 3),
        ("ExceptionGroup", 3, 0),
        ("ValueError", 2, 0),
        ("RuntimeError", 1, 0),
        ("ExceptionGroup", 0, None),
    ]
    assert [value["value"] for value in values if value["type"] == "ExceptionGroup"] == ["imports", "nested"]


def test_t27_a_circle_comes_to_an_end(open_client: OpenClient, sentry: LocalSentry) -> None:
    one, other = First(), Second()
    one.__context__, other.__context__ = other, one
    assert open_client().capture_exception(one)
    assert [value["type"] for value in exceptions(sentry)] == ["Second", "First"]
    member = First()
    member.__cause__ = whole = BaseExceptionGroup("g", [member])
    assert open_client().capture_exception(whole)
    assert len(exceptions(sentry)) == 2


CRASHING = """
import os, asyncsentry
asyncsentry.init(os.environ["DSN"])
raise KeyError("crash")
"""


def test_t28_how_an_error_came_is_always_said(open_client: OpenClient, sentry: LocalSentry, tmp_path: Path) -> None:
    open_client().capture_exception(caught(chain))
    assert all(value["mechanism"]["type"] for value in exceptions(sentry))
    assert exceptions(sentry)[-1]["mechanism"]["handled"] is True
    assert run(CRASHING, tmp_path, DSN=sentry.dsn).returncode == 1
    (value,) = exceptions(sentry)
    assert value["mechanism"]["handled"] is False
    assert value["mechanism"]["type"] not in ("", "generic")


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def test_t29_whatever_an_exception_says_it_is_sent(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    for error in (Mute(), KeyError("x" * 10_000_000), KeyError()):
        assert client.capture_exception(error)
        (value,) = exceptions(sentry)
        assert value["type"] in ("Mute", "KeyError")
        assert len(value.get("value", "")) <= 8192
        assert "stacktrace" not in value, "it was never raised"


def test_t30_a_deep_stack_is_oldest_first_and_bounded(open_client: OpenClient, sentry: LocalSentry) -> None:
    large = "x" * 100_000_000

    def fail(text: str) -> None:
        Shop().count(300)

    began = time.monotonic()
    assert open_client().capture_exception(caught(fail, large))
    assert time.monotonic() - began < 10
    frames = exceptions(sentry)[0]["stacktrace"]["frames"]
    assert frames[0]["function"].endswith("fail")
    assert frames[-1]["function"].endswith("count")
    assert frames[-1]["vars"]["remaining"] == 0
    assert len(json.dumps(last(sentry))) < 1024 * 1024


def test_t31_tags_are_texts(open_client: OpenClient, sentry: LocalSentry) -> None:
    open_client().capture_message("text", tags={"a b": 1, "ok": True, "n": None})
    assert last(sentry)["tags"] == {"a-b": "1", "ok": "True"}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("release", "feature/x"),
        ("release", "latest"),
        ("release", "r" * 201),
        ("environment", "none"),
        ("environment", "a/b"),
        ("dist", "1 2"),
    ],
)
def test_t32_a_name_that_servers_refuse_is_left_out_and_said_once(
    option: str, value: str, open_client: OpenClient, sentry: LocalSentry, caplog: pytest.LogCaptureFixture
) -> None:
    client = open_client(**{option: value})
    for _ in range(2):
        client.capture_message("text")
        assert option not in last(sentry)
        assert last(sentry)["platform"] == "python"
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{option}=")


def test_t32_a_release_that_is_found_out_is_looked_at_too(
    open_client: OpenClient, sentry: LocalSentry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HEROKU_SLUG_COMMIT", "latest")
    open_client().capture_message("text")
    assert "release" not in last(sentry)
    assert "release='latest' is not sent" in caplog.text


def test_t33_times_are_in_seconds_or_in_the_form_of_rfc_3339(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    client.add_breadcrumb(message="now")
    client.add_breadcrumb(message="then", timestamp=datetime(2024, 1, 2))
    client.add_breadcrumb(message="in milliseconds", timestamp=1704153600000)
    for timestamp in (None, time.time(), datetime.now(), "2024-01-02 03:04:05", 1704153600000, math.nan):
        client.capture_event({"message": "text", "timestamp": timestamp})
        told = last(sentry)["timestamp"]
        assert isinstance(told, float)
        assert abs(told - time.time()) < 14 * 3600 + 60, "as far as the zone of this machine may be from UTC"
    now, then, odd = (crumb["timestamp"] for crumb in last(sentry)["breadcrumbs"]["values"])
    assert (then, abs(now - odd) < 60) == (1704153600.0, True)


def test_t34_the_last_hundred_breadcrumbs_are_kept_in_their_order(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    for number in range(150):
        client.add_breadcrumb(message=str(number), data=[number])
    client.capture_message("text")
    crumbs = last(sentry)["breadcrumbs"]["values"]
    assert [crumb["message"] for crumb in crumbs] == [str(number) for number in range(50, 150)]
    assert all(isinstance(crumb["data"], dict) for crumb in crumbs)


def test_t34_what_the_sdk_does_itself_leaves_no_breadcrumb(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    uninstall = hooks.install(client)
    level = logging.root.level
    logging.root.setLevel(logging.DEBUG)
    try:
        for _ in range(3):
            client.capture_message("text")
    finally:
        logging.root.setLevel(level)
        uninstall()
    assert "breadcrumbs" not in last(sentry)


def with_secrets() -> None:
    headers = {"Authorization": "Bearer abc", "Cookie": "id=abc", "X-Api-Key": "abc", "Accept": "*/*"}
    raise KeyError(len(headers))


def test_t38_secrets_are_filtered_and_their_names_kept(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client()
    client.add_breadcrumb(message="m", data={"api_key": "abc", "status": 200})
    client.capture_exception(caught(with_secrets))
    shown = exceptions(sentry)[0]["stacktrace"]["frames"][-1]["vars"]["headers"]
    hidden = dict.fromkeys(("Authorization", "Cookie", "X-Api-Key"), "[Filtered]")
    assert shown == {**hidden, "Accept": "*/*"}
    assert last(sentry)["breadcrumbs"]["values"][0]["data"] == {"api_key": "[Filtered]", "status": 200}
    assert scrub_headers([("X-Api-Key", "abc"), ("Accept", "*/*")]) == {"X-Api-Key": "[Filtered]", "Accept": "*/*"}
    assert scrub_query("token=abc&page=2") == "token=[Filtered]&page=2"
    assert "pw" not in scrub_url("http://user:pw@host/?token=abc")


def test_t38_what_the_user_has_set_is_shown_whoever_it_tells_of_but_for_secrets(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    client = open_client(send_default_pii=False)
    client.set_user({"id": "1", "email": "ada@example.com", "ip_address": "10.0.0.1", "password": "x"})
    headers = {"X-Forwarded-For": "10.0.0.1", "Authorization": "x"}
    request = {"url": "http://host/?page=2&token=x", "headers": headers, "cookies": "a=b; sid=x", "data": {"pin": 1}}
    client.capture_event({"message": "text", "request": request})
    assert last(sentry)["user"] == {
        "id": "1",
        "email": "ada@example.com",
        "ip_address": "10.0.0.1",
        "password": "[Filtered]",
    }
    assert last(sentry)["request"] == {
        "url": "http://host/?page=2&token=[Filtered]",
        "headers": {"X-Forwarded-For": "10.0.0.1", "Authorization": "[Filtered]"},
        "cookies": {"a": "b", "sid": "[Filtered]"},
        "data": {"pin": 1},
    }


# Hooks


def test_t49_a_before_send_that_raises_drops_its_event_and_is_never_captured(
    open_client: OpenClient, sentry: LocalSentry, caplog: pytest.LogCaptureFixture
) -> None:
    client = open_client(before_send=lambda event, hint: 1 / 0)
    uninstall = hooks.install(client)
    try:
        assert client.capture_message("one") is client.capture_exception(KeyError()) is None
    finally:
        uninstall()
    assert client.losses == Counts({("before_send", "error"): 2})
    assert client.flush()
    assert sentry.events == ()
    errors = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in errors] == ["before_send failed: the event is dropped"]
    assert errors[0].exc_info is not None


DISABLED = """
import sys

def refuse(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        raise SystemExit(f"a socket: {event}")

sys.addaudithook(refuse)

import asyncsentry

def never(*arguments):
    raise SystemExit("a callback")

client = asyncsentry.init("", before_send=never, before_breadcrumb=never, error_sampler=never)

@asyncsentry.capture_exceptions
def add(one, two):
    return one + two

assert add(1, 2) == 3
asyncsentry.capture_message("text")
asyncsentry.capture_event({})
asyncsentry.capture_exception(KeyError())
asyncsentry.add_breadcrumb(message="m")
asyncsentry.flush()
client.close()
print("undisturbed", asyncsentry.last_event_id())
"""


def test_t50_without_a_dsn_nothing_happens(tmp_path: Path) -> None:
    done = run(DISABLED, tmp_path, SENTRY_DSN="")
    assert (done.returncode, done.stdout, done.stderr) == (0, "undisturbed None\n", "")


def test_t50_decorators_are_transparent_without_a_dsn() -> None:
    client = asyncsentry.Client("")

    @client.capture_exceptions
    async def add(one: int, two: int) -> int:
        return one + two

    @client.capture_exceptions(LookupError)
    def fail() -> None:
        raise KeyError

    assert asyncio.run(add(1, 2)) == 3
    with pytest.raises(KeyError):
        fail()
