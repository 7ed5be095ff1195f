"""Many threads capture for one client: what they capture is delivered, or counted, once."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import asyncsentry
import asyncsentry.client as client_module
from asyncsentry.client import Client
from asyncsentry.delivery.ledger import Account
from asyncsentry.events import modules
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.testing import Answer, Hang, LocalSentry
from threads.together import THREADS, settled, together

EACH = 25
STYLES = ["auto", "threaded", "urllib"]


def fail(number: int) -> None:
    raise ValueError(f"number {number}")


def capture_errors(client: Client[Any], count: int = EACH) -> list[str | None]:
    ids: list[str | None] = []
    for number in range(count):
        client.set_tag("number", number)
        client.add_breadcrumb(message=f"before {number}")
        try:
            fail(number)
        except ValueError as error:
            ids.append(client.capture_exception(error))
    return ids


def capture_messages(client: Client[Any], count: int = EACH) -> list[str | None]:
    return [client.capture_message(f"message {number}" * 20) for number in range(count)]


def ids_at(sentry: LocalSentry) -> list[str]:
    return [event["event_id"] for event in sentry.events]


@pytest.fixture
def begin(sentry: LocalSentry) -> Iterator[Callable[..., Client[Any]]]:
    clients: list[Client[Any]] = []

    def begin(transport: str = "threaded", **options: Any) -> Client[Any]:
        options.setdefault("flood_limit", 0)
        clients.append(Client(sentry.dsn_for(transport), shutdown_timeout=20.0, **options))
        return clients[-1]

    yield begin
    for client in clients:
        client.close()


@pytest.mark.parametrize("transport", STYLES)
def test_all_arrives_once(sentry: LocalSentry, begin: Callable[..., Client[Any]], transport: str) -> None:
    client = begin(transport)
    flushes = [lambda: [str(client.flush(20)) for _ in range(3)]] * 2
    works: list[Callable[[], list[Any]]] = [partial(capture_errors, client)] * THREADS
    ids = [id for each in together(*works, *flushes)[:THREADS] for id in each]
    assert client.flush(20)
    assert sorted(ids_at(sentry)) == sorted(ids)
    assert len(set(ids)) == THREADS * EACH
    assert settled(client) == {"delivered": THREADS * EACH}


def test_what_a_thread_notes_is_on_its_own_events(sentry: LocalSentry, begin: Callable[..., Client[Any]]) -> None:
    client = begin("urllib")
    together(*[partial(capture_errors, client)] * THREADS)
    for event in sentry.events:
        number = int(event["tags"]["number"])
        crumbs = [crumb["message"] for crumb in event["breadcrumbs"]["values"]]
        assert event["exception"]["values"][-1]["value"] == f"number {number}"
        assert crumbs == [f"before {earlier}" for earlier in range(number + 1)]


def test_what_there_is_no_room_for_is_counted(sentry: LocalSentry, begin: Callable[..., Client[Any]]) -> None:
    sentry.always(Answer(delay=0.02))
    client = begin(queue_bytes=65_536, max_in_flight=2)
    together(*[partial(capture_messages, client), partial(capture_errors, client)] * (THREADS // 2))
    assert client.flush(20)
    fates = settled(client)
    assert set(fates) == {"delivered", "queue_overflow"}
    assert len(set(ids_at(sentry))) == len(ids_at(sentry)) == fates["delivered"]
    assert sum(fates.values()) == THREADS * EACH


def test_what_the_server_refuses_is_counted(sentry: LocalSentry, begin: Callable[..., Client[Any]]) -> None:
    for _ in range(20):
        sentry.answer(Answer())
    sentry.always(Answer(429, {"X-Sentry-Rate-Limits": "60:error:key"}))
    client = begin(max_in_flight=4)
    together(*[partial(capture_messages, client)] * THREADS)
    assert client.flush(20)
    fates = settled(client)
    assert set(fates) == {"delivered", "limited", "ratelimit_backoff"}
    assert fates["delivered"] == len(ids_at(sentry)) == 20
    assert sum(fates.values()) == THREADS * EACH


def test_what_floods_is_counted(sentry: LocalSentry, begin: Callable[..., Client[Any]]) -> None:
    client = begin("urllib", flood_limit=5)
    ids = [id for each in together(*[partial(capture_errors, client)] * THREADS) for id in each]
    fates = settled(client)
    assert set(fates) == {"delivered", "backpressure"}
    assert sorted(ids_at(sentry)) == sorted(id for id in ids if id)
    assert 5 <= fates["delivered"] <= 5 + THREADS  # of those who ask at the same instant each may get one
    assert sum(fates.values()) == THREADS * EACH


def test_an_error_that_several_threads_see_is_one_event(sentry: LocalSentry, begin: Callable[..., Client[Any]]) -> None:
    client = begin("urllib")
    errors = [ValueError(number) for number in range(EACH)]
    together(*[lambda: [client.capture_exception(error) for error in errors]] * THREADS)
    assert len(sentry.events) == EACH


def test_more_types_and_functions_than_are_remembered_are_called_what_they_are(
    begin: Callable[..., Client[Any]],
) -> None:
    seen: list[tuple[str, str]] = []

    def see(event: Any, hint: Any) -> None:
        (shown,) = event["exception"]["values"]
        seen.append((shown["type"], shown["stacktrace"]["frames"][-1]["function"]))

    def capture(thread: int, client: Client[Any]) -> None:
        for number in range(300):
            name = f"Error{thread}_{number}"
            program: dict[str, Any] = {name: type(name, (Exception,), {})}
            exec(f"def raise_{name}():\n    raise {name}", program)
            try:
                program[f"raise_{name}"]()
            except Exception as error:
                client.capture_exception(error)

    client = begin("urllib", before_send=see)
    together(*(partial(capture, thread, client) for thread in range(4)))
    assert sorted(seen) == sorted((f"Error{t}_{n}", f"raise_Error{t}_{n}") for t in range(4) for n in range(300))
    assert settled(client) == {"before_send": 1200}


def test_what_waits_is_made_smaller_while_more_comes(sentry: LocalSentry, begin: Callable[..., Client[Any]]) -> None:
    sentry.answer(Hang())
    client = begin(max_in_flight=1, timeout=1.0)
    together(*[partial(capture_errors, client)] * THREADS)
    assert client.flush(20)
    assert settled(client) == {"delivered": THREADS * EACH}
    assert len(set(ids_at(sentry))) == THREADS * EACH


def test_who_closes_while_others_capture_counts_all(sentry: LocalSentry, begin: Callable[..., Client[Any]]) -> None:
    client = begin()

    def close() -> list[str | None]:
        while client.stats().get("error", Account()).captured < EACH:
            pass
        client.close(20)
        return []

    ids = together(*[partial(capture_messages, client)] * THREADS, close)
    captured = [id for each in ids for id in each if id is not None]
    fates = settled(client)
    assert len(captured) == sum(fates.values())
    # What was under way just then may have arrived, and is counted so.
    delivered, unknown = fates["delivered"], fates.get("unknown", 0)
    assert delivered <= len(ids_at(sentry)) == len(set(ids_at(sentry))) <= delivered + unknown
    assert set(ids_at(sentry)) <= set(captured)


CAPTURES: dict[str, Callable[[Client[Any]], object]] = {
    "an error": lambda client: client.capture_exception(ValueError("number 1")),
    "a message": lambda client: client.capture_message("number 1"),
    "a hook's error": lambda client: client.report(ValueError("number 1"), Mechanism("hook", handled=False)),
    "a hook's message": lambda client: client.report_message("number %d", (1,), level="error"),
    "a breadcrumb": lambda client: client.add_breadcrumb(message="number 1"),
    "an error that is none": lambda client: client.disregard(ValueError("number 1")),
}


@pytest.mark.parametrize("capture", CAPTURES.values(), ids=CAPTURES)
def test_a_client_may_be_closed_at_any_instruction_of_a_capture(
    begin: Callable[..., Client[Any]], capture: Callable[[Client[Any]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modules, "installed_modules", dict)  # which each client has a thread find out
    number = 0
    while closed_at(number, client := begin("urllib", release="1"), capture):
        assert not client.active
        account = client.stats().get("error", Account())
        assert account.captured == account.delivered + sum(account.lost.values())
        number += 1
    assert number > 10


def closed_at(number: int, client: Client[Any], capture: Callable[[Client[Any]], object]) -> bool:
    """Capture, and close the client before that instruction of its own code; whether there are so many."""
    left, before = number, sys.gettrace()

    def trace(frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename != client_module.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            if left == 0:
                sys.settrace(before)
                client.close(0.0)
            left -= 1
        return trace if left >= 0 else None

    sys._getframe().f_trace_opcodes = True  # Python 3.12 looks only now whether any frame is traced by instructions
    sys.settrace(trace)
    try:
        capture(client)
    finally:
        sys.settrace(before)
    return left < 0


def test_init_again_and_again_while_others_capture(sentry: LocalSentry) -> None:
    clients: list[Client[Any]] = []

    def begin_again() -> list[str | None]:
        dsn = sentry.dsn_for("threaded")
        clients.extend(asyncsentry.init(dsn, flood_limit=0, shutdown_timeout=20.0) for _ in range(4))
        return []

    def capture() -> list[str | None]:
        return [asyncsentry.capture_message(f"message {number}") for number in range(4 * EACH)]

    try:
        ids = [id for each in together(begin_again, begin_again, *[capture] * THREADS) for id in each if id]
        captured = capture()
        assert None not in captured
        logging.getLogger("shop").error("heard")
        assert asyncsentry.flush(20)
        for client in clients:
            if client is not asyncsentry.get_client():
                assert not client.active
        fates = [settled(client) for client in clients if client.stats()]
        # What was under way just as its client was closed may have arrived, and is counted so.
        delivered, unknown = (sum(each.get(fate, 0) for each in fates) for fate in ("delivered", "unknown"))
        assert delivered <= len(ids_at(sentry)) == len(set(ids_at(sentry))) <= delivered + unknown
        # What came to a client just as it was closed is counted; one more has been heard, and has no id here.
        assert len({*ids, *captured}) + 1 <= sum(sum(each.values()) for each in fates)
        assert set(captured) <= set(ids_at(sentry))
        assert "heard" in [event["logentry"]["formatted"] for event in sentry.events]
    finally:
        asyncsentry.close()


def test_a_spool_has_what_is_not_delivered(sentry: LocalSentry, tmp_path: Path) -> None:
    sentry.always(Answer(503))
    dsn = sentry.dsn_for("threaded")
    client: Client[Any] = Client(dsn, spool=str(tmp_path), flood_limit=0, shutdown_timeout=1.0)
    ids = {id for each in together(*[partial(capture_messages, client)] * THREADS) for id in each}
    client.close()
    account = client.stats()["error"]
    assert account.spooled == account.captured == THREADS * EACH
    sentry.always(Answer())
    client = Client(dsn, spool=str(tmp_path), shutdown_timeout=20.0)
    sentry.wait_for(lambda: set(ids_at(sentry)) == ids, timeout=20)
    client.close()
