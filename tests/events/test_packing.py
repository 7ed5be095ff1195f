"""Events that wait as one piece of bytes are what they were."""

from __future__ import annotations

import asyncio
from typing import Any

from asyncsentry.delivery.queue import CROWD
from asyncsentry.events.packing import SHARED, pack, unpack
from asyncsentry.events.seen import Seen
from asyncsentry.testing import LocalSentry
from conftest import OpenClient


def test_what_is_unpacked_is_what_was_packed() -> None:
    variables = {"a": [1, 2.5, None, True, "\ud800"], "password": "[Filtered]"}
    frame = {"function": "f", "vars": variables}
    event: dict[str, Any] = {"exception": {"values": [{"stacktrace": {"frames": [frame]}}]}, "tags": {"é": "b"}}
    event |= {name: {"of": name} for name in SHARED}
    seen = Seen()
    seen.texts, seen.numbers, seen.hiding, seen.foreign = {"a text", "b"}, {2**53}, [variables], True
    packed = pack(event, seen)
    assert packed is not None
    unpacked, seen_then = unpack(packed)
    assert unpacked == event
    assert (seen_then.texts, seen_then.numbers) == (seen.texts, seen.numbers)
    assert (seen_then.hiding, seen_then.foreign) == (seen.hiding, seen.foreign)
    assert seen_then.hiding[0] is unpacked["exception"]["values"][0]["stacktrace"]["frames"][0]["vars"]


def test_what_many_events_have_in_common_is_not_packed_with_each() -> None:
    crumbs = {"values": [{"message": "m"}]}
    packed = pack({"event_id": "a" * 32, "breadcrumbs": crumbs}, Seen())
    assert packed is not None
    assert unpack(packed)[0]["breadcrumbs"] is crumbs


def test_what_is_not_of_builtin_types_or_very_deep_is_not_packed() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert pack({"a": object()}, Seen()) is None
    assert pack({"a": deep}, Seen()) is None


def fail() -> None:
    rows = [{"number": each, "password": f"word {each}"} for each in range(3)]
    url = "https://me:secret@example.org/"
    raise ValueError(rows, url)


def frames(event: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = event["exception"]["values"][0]["stacktrace"]["frames"]
    return found


def test_events_of_a_crowd_arrive_like_any_others(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(sentry.dsn_for("asyncio"), flood_limit=0)

    def capture(number: int) -> None:
        client.add_breadcrumb(message=f"before {number}")
        try:
            fail()
        except ValueError as error:
            client.capture_exception(error, extras={"number": number})

    async def main() -> None:
        capture(0)
        assert await client.flush_async(20)
        for number in range(1, 3 * CROWD):  # and no turn comes in between
            capture(number)
        assert await client.flush_async(20)

    asyncio.run(main())
    events = sorted(sentry.events, key=lambda event: int(event["extra"]["number"]))
    assert [event["extra"]["number"] for event in events] == [*range(3 * CROWD)]
    first = events[0]
    assert "secret" not in str(first["exception"])
    for number, event in enumerate(events):
        assert event["breadcrumbs"]["values"][-1]["message"] == f"before {number}"
        assert frames(event)[-1] == frames(first)[-1]
        assert frames(event)[0]["vars"]["number"] == number
        assert event["_meta"] == first["_meta"]
