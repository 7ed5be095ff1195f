"""An item as a file, and back."""

from __future__ import annotations

import pytest

from asyncsentry.delivery.spool.envelopes import NotAnEnvelope, read, write
from asyncsentry.item import Attachment, Item
from asyncsentry.testing.envelopes import parse
from delivery.material import event
from spool.material import DESTINATION

ID = f"{1:032x}"


def test_an_item_comes_back_as_it_was_written() -> None:
    item = event(1, attachments=(Attachment(b"a\nb", "a.txt", "text/plain"),))._replace(trace={"public_key": "k"})
    stored = read(write(item, DESTINATION))
    assert stored.dsn == DESTINATION
    assert (stored.item.type, stored.item.category, stored.item.id) == ("event", "error", ID)
    payload = f'{{"event_id":"{ID}"}}'.encode()
    assert stored.item.payload == payload
    assert stored.item.attachments == item.attachments
    assert stored.item.trace == item.trace
    assert stored.item.weight > len(payload)


def test_any_receiver_can_read_it() -> None:
    envelope = parse(write(event(1), DESTINATION))
    assert envelope.headers == {"event_id": ID, "dsn": DESTINATION}
    assert envelope.payloads("event") == ({"event_id": ID},)


@pytest.mark.parametrize(("type", "category"), [("transaction", "transaction"), ("check_in", "monitor")])
def test_it_counts_as_what_it_is(type: str, category: str) -> None:
    assert read(write(Item(type, "error", {}, 1, ID), DESTINATION)).item.category == category


WHOLE = write(event(1), DESTINATION)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"[]\n",
        b"not json\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        *(WHOLE[:length] for length in range(1, len(WHOLE), 7)),
        WHOLE + WHOLE,
        WHOLE + WHOLE.partition(b"\n")[2],
        WHOLE.replace(b'"event",', b'"session",'),
        WHOLE.replace(b'"event",', b"[],"),
        WHOLE.replace(b'"length":', b'"size":'),
        WHOLE.replace(b'"length":', b'"length":-'),
        WHOLE.replace(b'{"event_id":"', b'{"id":"', 1),
    ],
)
def test_what_is_no_envelope_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(NotAnEnvelope):
        read(data)


@pytest.mark.parametrize(
    "payload", [b'{"a":1', b'{"a":\xff}', b'{"a":NaN}', b'{"a":1e999}', b'{"a":"\\ud800"}', b"[]", b"\0\0"]
)
def test_what_a_server_would_take_and_throw_away_is_refused(payload: bytes) -> None:
    with pytest.raises(NotAnEnvelope):
        read(b'{"event_id":"%s"}\n{"type":"event","length":%d}\n%s\n' % (ID.encode(), len(payload), payload))


@pytest.mark.parametrize("id", ["", "x" * 32, "0" * 31, "0" * 33, "0" * 32 + "\n"])
def test_what_has_no_id_that_a_server_knows_is_refused(id: str) -> None:
    with pytest.raises(NotAnEnvelope):
        read(write(event(1)._replace(id=id), DESTINATION))


def test_the_rest_of_the_headers_may_be_missing() -> None:
    stored = read(b'{"event_id":"%s"}\n{"type":"event","length":2}\n{}\n' % ID.encode())
    assert stored.dsn == ""
    assert stored.item.trace is None
