"""Envelopes: what a server takes, and what it refuses.

The sources are https://develop.sentry.dev/sdk/foundations/envelopes/ and Relay's own parser.
"""

from __future__ import annotations

import json

import pytest

from asyncsentry.testing import Envelope, Item, MalformedEnvelope, parse
from asyncsentry.testing.envelopes import MAX_ITEMS
from asyncsentry.testing.limits import KIB, LIMITS, MIB

EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"


def item(type: str, payload: bytes = b"{}", **headers: object) -> bytes:
    return json.dumps({"type": type, "length": len(payload)} | headers).encode() + b"\n" + payload + b"\n"


def container(type: str, size: int = 1, **headers: object) -> bytes:
    told = {"item_count": size, "content_type": f"application/vnd.sentry.items.{type}+json"} | headers
    return item(type, json.dumps({"version": 2, "items": [{}] * size}).encode(), **told)


def refusal(body: bytes) -> MalformedEnvelope:
    with pytest.raises(MalformedEnvelope) as caught:
        parse(body)
    return caught.value


@pytest.mark.parametrize(
    ("body", "headers", "payloads"),
    [
        (b"{}", {}, []),
        (b"{}\n", {}, []),
        (b'{"event_id":"%s"}' % EVENT_ID.encode(), {"event_id": EVENT_ID}, []),
        (b'{}\n{"type":"event","length":2}\n{}', {}, [b"{}"]),
        (b'{}\n{"type":"event","length":2}\n{}\n', {}, [b"{}"]),
        (b'{}\n{"type":"event"}\n{}', {}, [b"{}"]),
        (b'{}\n{"type":"event","length":null}\n{}\n', {}, [b"{}"]),
        (b'{}\n{"type":"attachment"}\nabc\r\n', {}, [b"abc\r"]),
        (b'{}\n{"type":"attachment"}\n', {}, [b""]),
        (b'{}\n{"type":"attachment"}', {}, [b""]),
        (b'{}\n{"type":"attachment"}\n\n', {}, [b""]),
        (b'{}\n{"type":"attachment","length":0}', {}, [b""]),
        (b'{}\n{"type":"attachment","length":0}\n', {}, [b""]),
        (b'{}\n{"type":"attachment","length":0}\n\n', {}, [b""]),
        (b'{}\n{"type":"attachment","length":5}\n\x00\n\r\n\xff\n{"type":"event"}\n{}', {}, [b"\0\n\r\n\xff", b"{}"]),
        (b'{}\n{"type":"event","length":10}\n{"m":"\xc3\xa9"}', {}, [b'{"m":"\xc3\xa9"}']),
        (b'{}\n{"type":"event","length":4}\n{\n\n}\n', {}, [b"{\n\n}"]),
        (b'{"unheard_of":[1]}\n{"type":"brand_new"}\nx\n{"type":"event"}\n{}', {"unheard_of": [1]}, [b"x", b"{}"]),
    ],
)
def test_the_grammar_is_read(body: bytes, headers: dict[str, object], payloads: list[bytes]) -> None:
    envelope = parse(body)
    assert envelope.headers == headers
    assert [item.payload for item in envelope.items] == payloads


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty request body"),
        (b"\n", "invalid envelope header"),
        (b" {}\n", "invalid envelope header"),
        (b"{} \n", "invalid envelope header"),
        (b'{}\r\n{"type":"event"}\n{}', "invalid envelope header"),
        (b"\xef\xbb\xbf{}\n", "invalid envelope header"),
        (b"[]\n", "invalid envelope header"),
        (b"{\n}\n", "invalid envelope header"),
        (b"{}\n\n", "unexpected end of file"),
        (b'{}\n{"type":"event","length":2}\n{}\n\n', "unexpected end of file"),
        (b'{}\n{"type":"event","length":1}\n{}', "missing newline"),
        (b'{}\n{"type":"event","length":9}\n{}', "2 bytes of a payload of 9"),
        (b'{}\n{"type":"event","length":2}', "0 bytes of a payload of 2"),
        (b'{}\n{"type":"event","length":9}\n{"m":"\xc3\xa9"}\n', "missing newline"),
        (b'{}\n{"type":"event"}\n{\n"message":"hi"\n}\n', "invalid event item"),
        (b'{}\n{"type":"attachment"}\n{\n"message":"hi"\n}\n', "invalid item header"),
        (b'{}\n{"type":"event","length":2}\r\n{}', "invalid item header"),
    ],
)
def test_what_breaks_the_grammar_is_refused(body: bytes, reason: str) -> None:
    error = refusal(body)
    assert error.status == 400
    assert reason in str(error)


@pytest.mark.parametrize(
    "headers",
    [
        {"event_id": EVENT_ID},
        {"event_id": "9EC79C33-EC99-42AB-8353-589FCB2E04DC"},
        {"event_id": None, "sent_at": None},
        {"sent_at": "2024-01-01T00:00:00Z"},
        {"sent_at": "2024-01-01T00:00:00.123456789Z"},
        {"sent_at": "2024-01-01T00:00:00.5+00:00"},
        {"sent_at": "2024-01-01T00:00:00-08:30"},
        {"dsn": "https://k@h/1", "sdk": {"name": "x", "version": "1"}, "trace": "anything"},
    ],
)
def test_headers_of_the_right_types_are_taken(headers: dict[str, object]) -> None:
    assert parse(json.dumps(headers).encode()) == Envelope(headers, ())


@pytest.mark.parametrize(
    "line",
    [
        '{"event_id":"nonsense"}',
        '{"event_id":"9ec79c33ec9942ab8353589fcb2e04d"}',
        '{"event_id":"9ec79c33ec99-42ab8353589fcb2e04dc"}',
        '{"event_id":1}',
        '{"sent_at":"2024-01-01T00:00:00"}',
        '{"sent_at":"2024-01-01 00:00:00Z"}',
        '{"sent_at":"2024-02-30T00:00:00Z"}',
        '{"sent_at":"yesterday"}',
        '{"sent_at":1704067200}',
        '{"dsn":1}',
        '{"sdk":"name"}',
        '{"sent_at":"2024-01-01T00:00:00Z","sent_at":"2024-01-01T00:00:00Z"}',
        '{"event_id":NaN}',
    ],
)
def test_one_wrong_header_loses_the_whole_envelope(line: str) -> None:
    error = refusal(line.encode() + b"\n" + item("event"))
    assert error.status == 400
    assert "invalid envelope header" in str(error)


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        '{"type":null}',
        '{"type":1}',
        '{"length":2}',
        '{"type":"event","length":-1}',
        '{"type":"event","length":"2"}',
        '{"type":"event","length":2.0}',
        '{"type":"event","length":true}',
        '{"type":"event","length":4294967296}',
        '{"type":"event","item_count":"1"}',
        '{"type":"event","content_type":1}',
        '{"type":"attachment","filename":["a"]}',
        '{"type":"event","type":"event"}',
        '["event"]',
    ],
)
def test_an_item_header_is_held_to_its_types(line: str) -> None:
    error = refusal(b"{}\n" + line.encode() + b"\n{}\n")
    assert error.status == 400
    assert "invalid item header" in str(error)


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b'{"a":NaN}', b'{"a":"\\ud800"}', b'{"a":"\xff"}', b"\xef\xbb\xbf{}", b'{"a":1e400}']
)
@pytest.mark.parametrize("type", ["event", "session", "client_report", "check_in"])
def test_broken_json_is_refused_although_relay_would_first_say_200(type: str, payload: bytes) -> None:
    error = refusal(b"{}\n" + item(type, payload))
    assert error.status == 400
    assert f"invalid {type} item" in str(error)


def test_only_json_types_are_decoded() -> None:
    envelope = parse(b"{}\n" + item("event", b'{"a":1}') + item("attachment", b"{") + item("brand_new", b"{"))
    assert [item.json for item in envelope.items] == [{"a": 1}, None, None]
    assert envelope.items[0] == Item({"type": "event", "length": 7}, b'{"a":1}', {"a": 1})
    assert [item.type for item in envelope.items] == ["event", "attachment", "brand_new"]


def test_payloads_are_those_of_one_type() -> None:
    envelope = parse(b"{}\n" + item("session", b'{"a":1}') + item("event") + item("session", b'{"a":2}'))
    assert envelope.payloads("session") == ({"a": 1}, {"a": 2})
    assert envelope.payloads("attachment") == ()


def test_containers_are_counted() -> None:
    envelope = parse(b"{}\n" + container("log", 3) + container("trace_metric") + container("span", 0))
    assert [len(item.json["items"]) for item in envelope.items if item.json] == [3, 1, 0]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (container("log", item_count=2), "item_count is 2, and there are 1"),
        (container("log", item_count=None), "item_count is None, and there are 1"),
        (container("log", content_type="application/json"), "not a container"),
        (item("log"), "not a container"),
        (item("log", item_count=0, content_type="application/vnd.sentry.items.log+json"), "not a container"),
        (container("span", item_count=2), "item_count is 2, and there are 1"),
    ],
)
def test_a_container_that_relay_would_throw_away_is_refused(body: bytes, reason: str) -> None:
    assert reason in str(refusal(b"{}\n" + body))


@pytest.mark.parametrize(
    "items",
    [
        item("event") * 2,
        item("event") + item("transaction"),
        item("event") + item("feedback"),
        item("attachment") * 31,
        item("session") * 50 + item("sessions") * 51,
        item("client_report") * 101,
        item("check_in") * 2,
        container("log") * 2,
        container("trace_metric") * 2,
        container("span") * 2,
        item("span") * 26,
        item("profile") * 2,
        item("event", b'{"a":"%s"}' % (b"x" * MIB)),
        item("check_in", b'{"a":"%s"}' % (b"x" * 100 * KIB)),
        item("client_report", b'{"a":"%s"}' % (b"x" * 51 * KIB)) * 2,
    ],
)
def test_too_much_of_one_kind_is_a_413_for_the_whole(items: bytes) -> None:
    error = refusal(b"{}\n" + items)
    assert error.status == 413
    assert "exceeded size limits" in str(error)


@pytest.mark.parametrize(
    "items",
    [
        item("event", b'{"a":"%s"}' % (b"x" * (MIB - 8))) + item("attachment") * 30 + item("session") * 100,
        container("span") + item("span") * 25,
        item("brand_new") * 200,
    ],
)
def test_as_much_as_is_allowed_is_taken(items: bytes) -> None:
    parse(b"{}\n" + items)


def test_no_kind_is_limited_twice() -> None:
    kinds = [kind for limit in LIMITS for kind in limit.kinds]
    assert len(kinds) == len(set(kinds))


def test_an_envelope_has_at_most_500_items() -> None:
    assert len(parse(b"{}\n" + item("brand_new") * MAX_ITEMS).items) == MAX_ITEMS
    error = refusal(b"{}\n" + item("brand_new") * (MAX_ITEMS + 1))
    assert error.status == 400
    assert "too many individual items" in str(error)
