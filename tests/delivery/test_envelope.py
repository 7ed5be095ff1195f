"""The bytes on the wire, to the byte: https://develop.sentry.dev/sdk/foundations/envelopes/"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from asyncsentry.delivery.compression import compression
from asyncsentry.delivery.envelope import (
    AT_ONCE,
    Packer,
    Parcel,
    encode_envelope,
    encode_item,
    format_time,
)
from asyncsentry.delivery.lease import Lease
from asyncsentry.delivery.losses import Counts
from asyncsentry.delivery.queue import Entry
from asyncsentry.dsn import parse as parse_dsn
from asyncsentry.item import EVENT_LIMIT, Attachment, Item, Squeezed
from asyncsentry.testing.encodings import decompress
from asyncsentry.testing.envelopes import parse
from asyncsentry.transport.protocol import Request
from delivery.material import HERE, WALL, body, session

ID = "9ec79c33ec9942ab8353589fcb2e04dc"
SDK = {"name": "acme.python", "version": "1.0.0"}
TRACE = {
    "trace_id": "771a43a4192642f0b136d5159a501700",
    "public_key": "e12d836b15bb49d7bbf99e64295d995b",
    "environment": "production",
}
EVENT = {
    "event_id": ID,
    "timestamp": 1704067200.0,
    "platform": "python",
    "level": "error",
    "logentry": {"formatted": "é"},
}
SENT_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")


class Wall:
    def __init__(self, seconds: float = 1704067200.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


class Shrinking:
    """Shrinks in two steps, or at once."""

    def __init__(self, shrunk: Mapping[str, object]) -> None:
        self._shrunk = shrunk
        self._left = 2

    def step(self) -> bool:
        self._left -= 1
        return self._left > 0

    def __call__(self) -> Mapping[str, object]:
        return self._shrunk


def packer(
    late: Mapping[str, object] | None = None,
    shrunk: Mapping[str, object] | None = None,
    wall: Wall | None = None,
    level: int = 1,
    event_limit: int = EVENT_LIMIT,
) -> Packer:
    return Packer(
        "https://sentry.test/api/42/envelope/",
        {"User-Agent": "tests/1.0"},
        SDK,
        lambda: late or {},
        lambda event: Shrinking(shrunk or {}),
        compression(level),
        wall or Wall(),
        event_limit,
    )


def lease(*items: Item, losses: Counts | None = None) -> Lease:
    entries = [Entry(item, number, 0.0) for number, item in enumerate(items)]
    return Lease(entries, losses or Counts(), HERE, 0.0, 1 if losses else 0, 0)


def pack(*items: Item, losses: Counts | None = None, by: Packer | None = None) -> bytes:
    return body(request(by or packer(), lease(*items, losses=losses)))


def request(by: Packer, of: Lease) -> Request:
    """What is sent when there was time to compress it."""
    made = by(of)
    if isinstance(made, Parcel):
        made.compress()
        return made.take()
    return made


def event(payload: Mapping[str, object] | bytes = EVENT, *attachments: Attachment, late: tuple[str, ...] = ()) -> Item:
    return Item("event", "error", payload, 1, ID, attachments, TRACE, late)


def test_t01_an_event_is_these_bytes() -> None:
    assert pack(event()) == (
        b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","sent_at":"2024-01-01T00:00:00.000000Z",'
        b'"sdk":{"name":"acme.python","version":"1.0.0"},'
        b'"trace":{"trace_id":"771a43a4192642f0b136d5159a501700","public_key":"e12d836b15bb49d7bbf99e64295d995b",'
        b'"environment":"production"}}\n'
        b'{"type":"event","content_type":"application/json","length":138}\n'
        b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","timestamp":1704067200.0,"platform":"python",'
        b'"level":"error","logentry":{"formatted":"\xc3\xa9"}}\n'
    )


def test_t02_attachments_are_these_bytes() -> None:
    binary, empty = Attachment(b"\x00\n\r\n\xff", "a.bin"), Attachment(b"", "empty.txt", "text/plain")
    item = Item("event", "error", {"message": "hi"}, 1, ID, (binary, empty))
    assert b"".join(encode_item(item)) == (
        b'{"type":"event","content_type":"application/json","length":16}\n{"message":"hi"}\n'
        b'{"type":"attachment","filename":"a.bin","content_type":"application/octet-stream","length":5}\n'
        b"\x00\n\r\n\xff\n"
        b'{"type":"attachment","filename":"empty.txt","content_type":"text/plain","length":0}\n\n'
    )
    whole = parse(encode_envelope({"event_id": ID}, [item]))
    assert [part.payload for part in whole.items[1:]] == [b"\x00\n\r\n\xff", b""]


def test_a_client_report_is_these_bytes() -> None:
    losses: Counts = Counts({("queue_overflow", "error"): 2})
    assert pack(losses=losses) == (
        b'{"sent_at":"2024-01-01T00:00:00.000000Z","sdk":{"name":"acme.python","version":"1.0.0"}}\n'
        b'{"type":"client_report","content_type":"application/json","length":107}\n'
        b'{"timestamp":1704067200.0,'
        b'"discarded_events":[{"reason":"queue_overflow","category":"error","quantity":2}]}\n'
    )


def test_what_is_bytes_already_is_sent_as_it_is() -> None:
    assert b'"length":2}\n[]\n' in pack(event(b"[]"))


@pytest.mark.parametrize("attachments", [(), (Attachment(b"", "a"),), (Attachment(b"\r\n\n", "a"),)])
def test_t03_no_envelope_ends_in_an_empty_line_of_its_own(attachments: tuple[Attachment, ...]) -> None:
    sent = pack(event(EVENT, *attachments), session())
    assert not sent.endswith(b"\n\n")
    for header in sent.split(b"\n"):
        assert not header.endswith(b"}\r")
    assert [item.type for item in parse(sent).items] == ["event", *("attachment" for _ in attachments), "session"]


def test_all_of_a_lease_is_one_envelope() -> None:
    losses: Counts = Counts({("sample_rate", "error"): 1})
    whole = parse(pack(event(), session(1), session(2), losses=losses))
    assert [item.type for item in whole.items] == ["event", "session", "session", "client_report"]
    assert whole.headers["event_id"] == ID
    assert whole.headers["trace"] == TRACE


def test_what_carries_no_id_names_none() -> None:
    assert set(parse(pack(session())).headers) == {"sent_at", "sdk"}


def test_t06_the_time_of_sending_is_that_of_each_send() -> None:
    wall = Wall()
    by, again = packer(wall=wall), lease(event())
    first = body(request(by, again))
    wall.seconds += 60.5
    second = body(request(by, again))
    times = [parse(sent).headers["sent_at"] for sent in (first, second)]
    assert times == ["2024-01-01T00:00:00.000000Z", "2024-01-01T00:01:00.500000Z"]
    for sent, time in zip((first, second), times, strict=True):
        assert sent.count(b"sent_at") == 1
        assert SENT_AT.fullmatch(time)


def test_a_time_of_sending_is_to_the_microsecond() -> None:
    assert format_time(1704067199.999999) == "2023-12-31T23:59:59.999999Z"
    assert SENT_AT.fullmatch(format_time(WALL))


@pytest.mark.parametrize(
    ("dsn", "url", "auth"),
    [
        (
            f"https://{'a' * 32}@h:8443/p/q/42",
            "https://h:8443/p/q/api/42/envelope/",
            f"Sentry sentry_version=7, sentry_client=asyncsentry.python/0.1.0, sentry_key={'a' * 32}",
        ),
        (
            f"http://{'a' * 32}:s@h/1",
            "http://h/api/1/envelope/",
            f"Sentry sentry_version=7, sentry_client=asyncsentry.python/0.1.0, sentry_key={'a' * 32}, sentry_secret=s",
        ),
    ],
)
def test_t13_a_request_goes_to_the_endpoint_with_one_way_to_authenticate(dsn: str, url: str, auth: str) -> None:
    parsed = parse_dsn(dsn)
    assert parsed.envelope_url == url
    assert {part.strip() for part in parsed.auth_header.split(",")} == {part.strip() for part in auth.split(",")}
    assert "sentry_timestamp" not in parsed.auth_header


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
def test_t14_only_hosts_of_sentry_name_an_organization(host: str, organization: str | None) -> None:
    assert parse_dsn(f"https://{'a' * 32}@{host}/1").organization_id == organization


def test_t15_a_body_is_compressed_as_its_header_says() -> None:
    sent = request(packer(), lease(event()))
    assert sent.headers == {
        "User-Agent": "tests/1.0",
        "Content-Type": "application/x-sentry-envelope",
        "Content-Encoding": "gzip",
    }
    assert decompress(sent.body, sent.headers["Content-Encoding"]) == body(sent)


def test_an_item_is_encoded_once() -> None:
    one = lease(event())
    by = packer()
    by(one)
    payload = one.entries[0].item.payload
    assert isinstance(payload, bytes)
    by(one)
    assert one.entries[0].item.payload is payload


def test_what_was_not_known_when_an_event_was_made_is_added() -> None:
    known = {"release": "shop@1", "modules": {"shop": "1"}, "dist": "7"}
    (item,) = parse(pack(event({"message": "a"}, late=("release", "modules")), by=packer(known))).items
    assert item.json == {"message": "a", "release": "shop@1", "modules": {"shop": "1"}}
    (item,) = parse(pack(event({"release": "mine"}, late=("release",)), by=packer(known))).items
    assert item.json == {"release": "mine"}
    (item,) = parse(pack(event({"message": "a"}), by=packer(known))).items
    assert item.json == {"message": "a"}


def test_gaps_are_filled_as_far_as_they_are_known() -> None:
    class Gap:
        def __init__(self, name: str, known: bool) -> None:
            self.name, self.known = name, known

        def find_out(self) -> None:
            raise AssertionError("packing never waits")

        def fill(self) -> bool:
            if self.known:
                payload[self.name] = "found"
            return self.known

    payload: dict[str, object] = {"message": "a"}
    item = Item("event", "error", payload, 1, ID, gaps=(Gap("one", True), Gap("other", False)))
    (arrived,) = parse(pack(item)).items
    assert arrived.json == {"message": "a", "one": "found"}
    assert packer().finish(item).gaps == ()


def test_an_item_may_be_completed_before_it_is_finished() -> None:
    whole = Item("event", "error", lambda: {"message": "a"}, 1, ID, late=("release",))
    complete = packer({"release": "shop@1"}).complete(whole)
    assert complete.payload == {"message": "a", "release": "shop@1"}
    assert packer({"release": "shop@2"}).finish(complete) == packer({"release": "shop@1"}).finish(whole)
    for done in (complete, packer().finish(complete), packer().squeeze(complete)):
        assert packer().complete(done) is done


def test_what_has_to_wait_takes_a_fraction_of_the_room_and_is_sent_as_it_was() -> None:
    file = Attachment(b"file", "a.txt")
    item = Item("event", "error", {"message": "a" * 10_000}, 50_000, ID, (file,))
    squeezed = packer().squeeze(item)
    assert isinstance(squeezed.payload, Squeezed)
    assert squeezed.weight < 1000
    assert pack(squeezed) == pack(item)
    assert isinstance(packer().squeeze(packer().finish(item)).payload, Squeezed), "after it was sent once, too"


def test_what_takes_long_to_squeeze_is_only_encoded() -> None:
    large = packer().squeeze(Item("event", "error", {"message": "a" * AT_ONCE}, 200_000, ID))
    assert isinstance(large.payload, bytes)
    assert large.weight == 200_000


def test_an_event_that_no_server_takes_is_made_smaller() -> None:
    large = {"message": "a" * EVENT_LIMIT}
    (item,) = parse(pack(event(large), by=packer(shrunk={"message": "a…"}))).items
    assert item.json == {"message": "a…"}


def test_an_event_is_made_smaller_than_was_chosen() -> None:
    small = packer(shrunk={"message": "a…"}, event_limit=100)
    (item,) = parse(pack(event({"message": "a" * 100}), by=small)).items
    assert item.json == {"message": "a…"}
    (item,) = parse(pack(event({"message": "a" * 50}), by=small)).items
    assert item.json == {"message": "a" * 50}


def test_a_large_attachment_makes_no_event_smaller() -> None:
    (item, _) = parse(pack(event(EVENT, Attachment(b"a" * EVENT_LIMIT, "a")))).items
    assert item.json == EVENT


def test_what_is_no_event_is_not_made_smaller() -> None:
    (item,) = parse(pack(Item("session", "session", {"sid": "a" * EVENT_LIMIT}, 1))).items
    assert len(item.payload) > EVENT_LIMIT


@pytest.mark.parametrize("payload", [{"a": object()}, {"a": {1: {2, 3}}}])
def test_what_is_no_json_is_an_error(payload: Mapping[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        packer()(lease(event(payload)))
    with pytest.raises((TypeError, ValueError)):
        encode_item(event(payload))


def test_the_level_of_compression_is_the_users() -> None:
    text = {"message": Path(__file__).read_text(encoding="utf-8")}
    least, most, none = (request(packer(level=level), lease(event(text))) for level in (1, 9, 0))
    assert len(most.body) < len(least.body) < len(none.body)
    assert body(most) == body(least) == none.body
    assert "Content-Encoding" not in none.headers


def test_a_body_that_takes_long_to_compress_says_so() -> None:
    small, parcel = packer()(lease(event())), packer()(lease(event(EVENT, Attachment(bytes(AT_ONCE), "zeros.bin"))))
    assert isinstance(small, Parcel)
    assert isinstance(parcel, Parcel)
    assert (small.large, parcel.large) == (False, True)
    parcel.compress()
    sent = parcel.take()
    assert len(sent.body) < AT_ONCE < len(body(sent))
    assert sent.headers["Content-Encoding"] == "gzip"


def test_a_body_that_nobody_had_the_time_to_compress_is_sent_as_it_is() -> None:
    parcel = packer()(lease(event(EVENT, Attachment(bytes(AT_ONCE), "zeros.bin"))))
    assert isinstance(parcel, Parcel)
    sent = parcel.take()
    parcel.compress()
    assert len(sent.body) > AT_ONCE
    assert "Content-Encoding" not in sent.headers


def test_where_nothing_is_compressed_the_largest_body_is_ready_at_once() -> None:
    sent = packer(level=0)(lease(event(EVENT, Attachment(bytes(AT_ONCE), "zeros.bin"))))
    assert isinstance(sent, Request)
    assert len(sent.body) > AT_ONCE
